"""Calls whose warnings are not what a test is about."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["without_warnings"]


def without_warnings(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call something that says what it could not read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return call(*args, **options)
