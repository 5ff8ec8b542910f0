"""Names of a module that are imported when they are first asked for (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["importer"]


def importer(module: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of a module.

    Parameters
    ----------
    module : str
        The module whose names they are.
    homes : mapping of str to str
        Name to the module that defines it.

    Examples
    --------
    >>> importer("thighdx.first_use", {"gcd": "math"})("gcd")(4, 6)
    2
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value: object = getattr(import_module(homes[name]), name)
        setattr(sys.modules[module], name, value)
        return value

    return find
