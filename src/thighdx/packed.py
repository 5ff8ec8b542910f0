"""Named arrays and a few words about them in one file whose every byte is accounted for.

::

    thighdx-packed 1 <SHA-256 of everything after this line>
    {"arrays": [["shares", "<f8", [5, 38]], ...], ... whatever else is to be said ...}
    the arrays, one behind the other

The two lines are text (`head -2` shows them), the same content gives the same bytes, and reading evaluates nothing.
An archive of `numpy.savez` was the alternative: its headers are not covered by a checksum, and a damaged one
raises a dozen kinds of errors.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["pack", "unpack"]

MAGIC = "thighdx-packed 1"
# 64-bit numbers first, so that none of them lies across a boundary.
KINDS = ("<f8", "<i4", "<i2", "|u1", "|b1")

Arrays = Mapping[str, npt.NDArray[Any]]


def pack(plain: Mapping[str, Any], arrays: Arrays) -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    plain : mapping of str to plain data
        Anything JSON can say; ``"arrays"`` is taken.
    arrays : mapping of str to array
        Of one of the kinds f8, i4, i2, u1 and bool.
    """
    ordered = sorted(arrays.items(), key=lambda item: (KINDS.index(_kind(item[1])), item[0]))
    listed = [[name, _kind(array), list(array.shape)] for name, array in ordered]
    header = json.dumps({"arrays": listed, **plain}, ensure_ascii=True, separators=(",", ":"))
    body = b"".join(np.ascontiguousarray(array, dtype=_kind(array)).tobytes() for _, array in ordered)
    rest = header.encode("ascii") + b"\n" + body
    return f"{MAGIC} {hashlib.sha256(rest).hexdigest()}\n".encode("ascii") + rest


def _kind(array: npt.NDArray[Any]) -> str:
    """Return the number format of an array, little-endian."""
    return array.dtype.newbyteorder("<").str


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Undo `pack`.

    Raises
    ------
    ValueError
        If a single byte is not what was written; says in what way.
    """
    first, _, rest = content.partition(b"\n")
    magic, _, digest = first.rpartition(b" ")
    if magic != MAGIC.encode("ascii"):
        raise ValueError(f"got {first[:40]!r} in the first line, expected {MAGIC!r} and a checksum")
    if hashlib.sha256(rest).hexdigest().encode("ascii") != digest:
        raise ValueError("its checksum does not fit its content")
    line, _, body = rest.partition(b"\n")
    try:
        plain = json.loads(line)
        arrays, start = {}, 0
        for name, kind, shape in plain.pop("arrays"):
            if kind not in KINDS:
                raise ValueError(f"array {name!r} is of kind {kind!r}")
            count = math.prod(shape)
            arrays[name] = np.frombuffer(body, kind, count, start).reshape(shape).copy()
            start += count * np.dtype(kind).itemsize
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"its second line is not as expected ({error})") from None
    if start != len(body):
        raise ValueError(f"got {len(body):,} bytes of arrays, expected {start:,}")
    return plain, arrays
