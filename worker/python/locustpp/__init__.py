"""locustpp: Locust with a native engine beneath it.

From a shell, `locustpp` takes the place of `locust`. In a program that uses Locust as a library,
`locustpp.install()` does the same for the process.
"""

from __future__ import annotations

from .patch import install

__all__ = ["install"]
