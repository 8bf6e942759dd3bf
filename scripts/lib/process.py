"""A program that the demo runs: started in a process group of its own, so that Ctrl-C reaches only
the demo itself; stopped within a time limit with everything it started; measured at its end."""

import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1


class Process:
    def __init__(self, name, command, log, env=None, cwd=None):
        self.name = name
        self.log = log
        self.exit_code = None  # negative: ended by that signal
        self.cpu_seconds = 0.0
        self.peak_mb = 0.0
        libc = ctypes.CDLL(None)
        with open(log, "wb") as out:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
                # Even a demo that is killed leaves nothing behind.
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
            )
        self.pid = self._popen.pid

    def poll(self):
        """True once it has ended; then exit code and usage are known and its group is empty."""
        if self.exit_code is not None:
            return True
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        # Still a zombie, so the group's number cannot be somebody else's yet.
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        _, status, usage = os.wait4(self.pid, 0)
        self.exit_code = self._popen.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        self.peak_mb = usage.ru_maxrss / 1024
        return True

    def wait(self, seconds):
        """Waits for its end, at most that long; returns whether it has ended."""
        deadline = time.monotonic() + seconds
        while not self.poll():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def stop(self, seconds):
        """Asks it to stop, kills it when it does not within that time; returns whether it obeyed."""
        if self.poll():
            return True
        os.kill(self.pid, signal.SIGTERM)
        if self.wait(seconds):
            return True
        os.killpg(self.pid, signal.SIGKILL)
        self.wait(5)
        return False

    def how_it_ended(self):
        if self.exit_code < 0:
            return f"was killed by {signal.Signals(-self.exit_code).name}"
        return f"ended with exit code {self.exit_code}"

    def last_lines(self, count=15):
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return "".join("  | " + line for line in text.readlines()[-count:]).rstrip("\n")
