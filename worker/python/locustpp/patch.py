"""The one place where Locust is changed: what install() exchanges, and nothing else."""

from __future__ import annotations

import atexit
import os
from types import CodeType, FunctionType

from . import _native

_installed = False


def install() -> None:
    """Makes the installed locust's FastHttpUser and HttpUser, their sessions and its worker native
    in this process. May be called again; import it before or after locust."""
    global _installed
    if _installed:
        return
    _installed = True

    import locust.clients
    import locust.contrib.fasthttp
    import locust.env
    import locust.runners
    import locust.user.users

    from . import runner
    from .fasthttp import FastHttpSession
    from .http_session import HttpSession

    locust.contrib.fasthttp.FastHttpSession = FastHttpSession
    locust.clients.HttpSession = HttpSession
    locust.user.users.HttpSession = HttpSession
    # What Environment.create_worker_runner() and create_local_runner() make, and what a worker
    # speaks to its master through.
    locust.env.WorkerRunner = runner.NativeWorkerRunner
    locust.env.LocalRunner = runner.NativeLocalRunner
    locust.runners.rpc = runner.rpc

    _native._set_own_listeners(_codes_of_own_listeners())
    os.register_at_fork(after_in_child=_native._after_fork)
    atexit.register(_native._stop)


def _codes_of_own_listeners() -> list[CodeType]:
    """The listeners by which Locust records its statistics, known by their code: functions within
    Runner.__init__, and in 2.13.0 the one that hands on to the hooks of old."""
    import locust.event
    import locust.runners

    found = []
    for function, names in (
        (locust.runners.Runner.__init__, ("on_request", "on_request_success", "on_request_failure")),
        (locust.event.Events.__init__, ("fire_deprecated_request_handlers",)),
    ):
        if isinstance(function, FunctionType):
            found += [
                code
                for code in function.__code__.co_consts
                if isinstance(code, CodeType) and code.co_name in names
            ]
    return found
