"""Locust's own functions with some of their module's names meaning something else: how its code runs
as it is installed, around native exchanges."""

from __future__ import annotations

from types import FunctionType
from typing import Any


def with_names(function: Any, **names: Any) -> Any:
    """`function` to which these names mean something else."""
    if not isinstance(function, FunctionType):
        return function
    made = FunctionType(
        function.__code__, {**function.__globals__, **names}, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made
