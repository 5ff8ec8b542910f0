"""Plain data of a result (dicts, lists, strings, numbers) and tables of its lines, by the names of its fields."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Plain", "keys_of", "plain", "table_of"]


_AS_IT_IS = frozenset({str, int, bool, type(None)})
_KEYS: dict[type[Any], dict[str, str]] = {}  # what `keys_of` found; a result asks hundreds of times


class Plain:
    """A dataclass that can be had as plain data.

    Every field goes by its own name, in the order of the fields, but for what a class says otherwise: `_renamed`
    gives a field another name, or leaves it out by an empty one; `_worked_out` adds a property behind a field.
    What takes no part in comparisons, such as labels for people, is left out.
    """

    __slots__ = ()
    _renamed: ClassVar[Mapping[str, str]] = {}
    _worked_out: ClassVar[Mapping[str, str]] = {}

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: dicts, lists, strings and finite numbers; None for what is undefined."""
        return _data(self)


def keys_of(kind: type[Any]) -> dict[str, str]:
    """Return the keys of a dataclass in plain data, with the attribute that each is read from."""
    if kind in _KEYS:
        return _KEYS[kind]
    renamed, worked_out = getattr(kind, "_renamed", {}), getattr(kind, "_worked_out", {})
    keys: dict[str, str] = {}
    for field in fields(kind):
        if field.compare and renamed.get(field.name) != "":
            keys[renamed.get(field.name, field.name)] = field.name
        keys |= {name: name for name, after in worked_out.items() if after == field.name}
    return _KEYS.setdefault(kind, keys)


def plain(value: Any) -> Any:
    """Return a value as plain data: NaN as None, arrays and scalars of numpy as lists and numbers of Python."""
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, float):  # those of numpy too
        return None if math.isnan(value) else float(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Plain):
        return value.to_dict()
    if is_dataclass(value):
        return _data(value)
    if isinstance(value, datetime.date):
        return str(value)
    return plain(value.tolist()) if hasattr(value, "tolist") else value


def _data(value: Any) -> dict[str, Any]:
    return {key: plain(getattr(value, name)) for key, name in keys_of(type(value)).items()}


def table_of(rows: Iterable[Plain], columns: type[Any] | Sequence[str]) -> pd.DataFrame:
    """Return lines as a table, one row each; `columns` are names, or the class of a line for all that it has."""
    import pandas as pd  # late: most results are never asked for a table

    names = list(keys_of(columns) if isinstance(columns, type) else columns)
    return pd.DataFrame([row.to_dict() for row in rows], columns=names)
