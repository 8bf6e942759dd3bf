"""What an installed Locust reports of a fixed list of samples: the expected values of the tests.

    python locust_reference.py report testdata/samples.json > testdata/reports.json
    python locust_reference.py buckets > testdata/buckets.json
    python locust_reference.py console testdata/samples.json > ../cli/testdata/console.json

Run by the Python whose Locust is asked. A sample is one JSON object: `at` is the wall time in
nanoseconds since the epoch, `do` one of
    request  a request with `ms` (null: no response time) and `bytes`; failed where there is `error`
    error    a failure without a request
    report   the worker reports to its master
    clear    a new test starts
"""

import json
import math
import random
import sys
from types import SimpleNamespace

import locust
from locust import stats
from locust.event import Events

CLIENT_ID = "reference"


class Clock:
    def __init__(self):
        self.now = 0.0

    def time(self):
        return self.now


def report(samples):
    clock = Clock()
    stats.time = SimpleNamespace(time=clock.time)
    clock.now = samples[0]["at"] / 1e9

    worker_events, master_events = Events(), Events()
    worker = stats.RequestStats(use_response_times_cache=False)
    stats.setup_distributed_stats_event_listeners(worker_events, worker)
    master = stats.RequestStats(use_response_times_cache=False)
    stats.setup_distributed_stats_event_listeners(master_events, master)

    reports = []
    for sample in samples:
        clock.now = sample["at"] / 1e9  # as time.time() makes it of the system's nanoseconds
        do = sample["do"]
        if do == "report":
            data = {}
            worker_events.report_to_master.fire(client_id=CLIENT_ID, data=data)
            reports.append(json.loads(json.dumps(data)))
            master_events.worker_report.fire(client_id=CLIENT_ID, data=data)
            continue
        if do == "clear":
            worker.clear_all()
            continue
        method, name = sample["method"], sample["name"]
        if do == "request":
            worker.log_request(method, name, sample["ms"], sample["bytes"])
        if sample.get("error"):
            worker.log_error(method, name, sample["error"])

    # What a master makes of all reports: the expected value of Report::merge.
    merged = {
        "stats": [entry.serialize() for entry in master.entries.values()],
        "stats_total": master.total.serialize(),
        "errors": master.serialize_errors(),
    }
    return master, {"reports": reports, "merged": merged}


def console(samples):
    """The tables that a master prints of all samples, by the width of the Name column."""
    master, of_samples = report(samples)
    tables = {}
    for width in (80, 40, 0):
        stats.STATS_NAME_WIDTH = width
        tables[width] = {
            "current": stats.get_stats_summary(master, current=True),
            "total": stats.get_stats_summary(master, current=False),
            "percentiles": stats.get_percentile_stats_summary(master),
            "errors": stats.get_error_report_summary(master),
        }
    return {"report": of_samples["merged"], "tables": tables}


def buckets():
    """[response time, key] around every tie of every magnitude, and some in between."""
    times = [i / 4 for i in range(440)]
    for step, end in ((5, 1100), (50, 11000), (500, 70000), (500000, 30000000)):
        for tie in range(step, end, step):
            times += [math.nextafter(tie, 0), tie, math.nextafter(tie, math.inf), tie + 0.5]
    times += [99.6, 999.9, 9999.0, 9999.999, 123456.7, 1e9 + 499.5, 2.0**53 + 2, 1e17, 1.2345e18]
    times += [-0.4, -0.5, -1.5, -2.5, -2.6, -145.0, -12345.5]
    rng = random.Random(1)
    times += [10 ** rng.uniform(-2, 6) for _ in range(1000)]
    bucket = getattr(stats, "bucket_response_time", None) or old_bucket
    return {"buckets": [[time, bucket(time)] for time in times]}


def old_bucket(response_time):
    """Locust before 2.43.4 rounds inside StatsEntry._log_response_time."""
    entry = stats.StatsEntry(stats.RequestStats(), "", "")
    entry._log_response_time(response_time)
    return int(next(iter(entry.response_times)))


def main():
    if sys.argv[1] in ("report", "console"):
        with open(sys.argv[2], encoding="utf-8") as file:
            samples = json.load(file)
        result = report(samples)[1] if sys.argv[1] == "report" else console(samples)
        indent = 1
    else:
        result = buckets()
        indent = None
    command = " ".join(["python locust_reference.py", *sys.argv[1:]])
    result = {"made_by": command, "locust": locust.__version__, **result}
    print(json.dumps(result, indent=indent, ensure_ascii=True))


if __name__ == "__main__":
    main()
