"""Loaded by the demo's master beside the locustfile: at the end, writes the final totals as JSON.

Locust's own --csv files stop up to a second before the end, and --json-file is not in old releases.
"""

import json
import os

from locust import events


@events.init.add_listener
def on_init(environment, **_kwargs):
    @environment.events.quit.add_listener
    def on_quit(**_kwargs):
        total = environment.stats.total
        path = os.environ["DEMO_FINAL_COUNTS"]
        with open(path + ".part", "w", encoding="utf-8") as out:
            json.dump(
                {
                    "requests": total.num_requests,
                    "failures": total.num_failures,
                    "exceptions": len(environment.runner.exceptions),
                    "requests_per_second": total.total_rps,
                },
                out,
            )
        os.replace(path + ".part", path)
