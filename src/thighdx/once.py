"""What is worked out at first use: by one thread, while the others wait for it, and never twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

__all__ = ["Keeps", "Once"]

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


class Keeps:
    """What keeps the answers to functions of itself, which must never change: each is worked out once.

    Two threads that ask at the same moment may both work one out; both get the same. Not pickled.

    Examples
    --------
    >>> class Word(Keeps): ...
    >>> word = Word()
    >>> word.once(lambda self: type(self).__name__)
    'Word'
    """

    def once(self, make: Callable[[Self], _T]) -> _T:
        """Return ``make(self)``, kept under the function itself."""
        kept: dict[Callable[[Self], Any], Any] = self.__dict__.setdefault("_kept", {})
        if make not in kept:
            kept[make] = make(self)
        return kept[make]  # type: ignore[no-any-return]  # what `make` gave

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what can be worked out again."""
        return {name: value for name, value in self.__dict__.items() if name != "_kept"}
