"""What is worked out at first use: by one thread, while the others wait for it, and never twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Once"]

_T = TypeVar("_T")
_NOTHING = object()


class Once(Generic[_T]):
    """A value that is made when it is first asked for.

    Parameters
    ----------
    make : callable without arguments
        Called once; called again where it raised. Pickled in place of the value, so it must be a module's
        function (or a `functools.partial` of one) wherever its owner is pickled.

    Examples
    --------
    >>> answer = Once(lambda: print("thinking") or 42)
    >>> answer(), answer()
    thinking
    (42, 42)
    """

    __slots__ = ("_lock", "_make", "_value")

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self._value: object = _NOTHING
        # Reentrant: what asks for itself while it is made is a mistake that shall raise, not hang.
        self._lock = threading.RLock()

    def __call__(self) -> _T:
        """Return the value."""
        if self._value is _NOTHING:
            with self._lock:
                if self._value is _NOTHING:
                    self._value = self._make()
        return self._value  # type: ignore[return-value]  # what `make` gave

    def __reduce__(self) -> tuple[type[Once[_T]], tuple[Callable[[], _T]]]:
        """Pickle how it is made: a lock cannot travel, and the value can be made again."""
        return Once, (self._make,)
