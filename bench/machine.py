"""What /proc tells: CPU time and memory of a process, and which machine this is."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

TICK = 1.0 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User plus system time of all threads, the ended ones included."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat[stat.rindex(")") + 2 :].split()  # the name may hold spaces
    return (int(fields[11]) + int(fields[12])) * TICK


def family_cpu_seconds(pid: int) -> float:
    """The same for the process and all that it has started (their session bears its number)."""
    total = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text()
        except OSError:  # it has ended meanwhile
            continue
        fields = stat[stat.rindex(")") + 2 :].split()
        if int(fields[3]) == pid:
            total += (int(fields[11]) + int(fields[12])) * TICK
    return total


def thread_seconds(pid: int) -> dict[int, float]:
    """User plus system time of each thread."""
    times = {}
    for path in Path(f"/proc/{pid}/task").glob("*/stat"):
        stat = path.read_text()
        fields = stat[stat.rindex(")") + 2 :].split()
        times[int(path.parent.name)] = (int(fields[11]) + int(fields[12])) * TICK
    return times


def busy_seconds() -> float:
    """CPU time that all cores have spent on anything, time stolen by the host included."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) * TICK


def rss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else ""


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def describe(worker: Path, root: Path) -> dict[str, object]:
    memory = Path("/proc/meminfo").read_text().split()[1]
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "host": platform.node(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu_model": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_kb": int(memory),
        "load_average_at_start": os.getloadavg(),
        "python": platform.python_version(),
        "wrk": _first_line("wrk", "-v"),
        "nginx": _first_line("nginx", "-v"),
        "locust_worker": _first_line(str(worker), "--version"),
        "revision": _first_line("git", "-C", str(root), "rev-parse", "--verify", "-q", "HEAD"),
    }
