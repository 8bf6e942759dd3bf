"""Which names of hosts are for the engine."""

from __future__ import annotations

import functools


@functools.lru_cache(4096)
def can_be_resolved(name: str) -> bool:
    """Whether a resolver can be asked for it. Of "a..b" or a label of 64 letters Python's says that it
    is no name, in words of its own; the engine's asks."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True
