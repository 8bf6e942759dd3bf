"""The locustfile of `locustpp URL`: one user class, which requests the URL without waiting."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust import FastHttpUser, events
from locustpp.command_line import url

_parts = urlsplit(url)
_path = (_parts.path or "/") + (f"?{_parts.query}" if _parts.query else "")


def _get(user: Any) -> None:
    user.client.get(_path)


globals()[url] = type(url, (FastHttpUser,), {"tasks": [_get]})


def _fill_in(environment: Any, **_: Any) -> None:
    """Before any user starts: where to, and what the command line has left open."""
    environment.host = f"{_parts.scheme}://{_parts.netloc}"
    options = environment.parsed_options
    if options.worker:
        return
    for name, value in (("num_users", 10), ("run_time", 10)):
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.spawn_rate is None:
        options.spawn_rate = options.num_users
    pace = "all at once" if options.spawn_rate >= options.num_users else f"{options.spawn_rate:g} more each second"
    print(
        f"locustpp: {options.num_users} users, {pace}, request {url} for {options.run_time} s (-u, -r and -t change that)",
        file=sys.stderr,
    )
    gevent.get_hub().loop.update_now()  # what has passed since the start is no part of the run time


def _judge(environment: Any, **_: Any) -> None:
    if not environment.parsed_options.worker and not environment.stats.total.num_requests:
        print(f"locustpp: {url} has not answered at all; is it the right one, and can it be reached?", file=sys.stderr)
        environment.process_exit_code = 1


events.init.add_listener(_fill_in)
events.quitting.add_listener(_judge)
