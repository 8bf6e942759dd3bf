"""locustpp: Locust with a native engine beneath it.

From a shell, `locustpp` takes the place of `locust`. In a program that uses Locust as a library,
`locustpp.install()` does the same for the process.
"""

from __future__ import annotations

import os
import sys

__all__ = ["install"]


def install() -> None:
    """Makes the installed locust's FastHttpUser and HttpUser, their sessions and its worker native
    in this process; says so in one sentence where it cannot, and everything stays stock. May be
    called again, before or after locust is imported."""
    if os.environ.get("LOCUSTPP_NATIVE") == "0":
        print("locustpp: LOCUSTPP_NATIVE=0, this is stock Locust", file=sys.stderr)
        return
    try:
        from . import _native  # noqa: F401
    except ImportError as error:
        print(f"locustpp: the native engine cannot be loaded ({error}); this is stock Locust", file=sys.stderr)
        return
    from .patch import install as exchange

    exchange()
