"""Time for Locust's code around a request of FastHttpUser: that of the I/O thread, whatever Python has
been doing meanwhile."""

from __future__ import annotations

import dis
import time

import locust.contrib.fasthttp as stock
from greenlet import getcurrent


def spend(seconds: float) -> None:
    current = getcurrent()
    current._locustpp_seconds = getattr(current, "_locustpp_seconds", 0.0) + seconds


class Clock:
    """`time`, for Locust's code around a request: differences of its perf_counter() are the time that
    this greenlet's requests took, not what Python needed around them."""

    time = staticmethod(time.time)

    @staticmethod
    def perf_counter() -> float:
        return getattr(getcurrent(), "_locustpp_seconds", 0.0)


# Older Locusts count whole milliseconds: int() around the difference, besides the one for the
# response's length.
WHOLE_MILLISECONDS = sum(i.argval == "int" for i in dis.get_instructions(stock.FastHttpSession.request)) > 1
