"""The container of named arrays: every byte counts."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from thighdx.packed import MAGIC, pack, unpack

PLAIN = {"name": "knee", "states": ["no", "yes"], "odds": 0.1}
ARRAYS = {
    "flags": np.array([True, False, True]),
    "codes": np.array([[1, 2]], dtype=np.int16),
    "shares": np.array([[0.1, -np.inf], [np.nan, 1e-300]]),
    "nothing": np.zeros((0, 3)),
}


def with_checksum(rest: bytes) -> bytes:
    """A file whose checksum fits, whatever it says."""
    return f"{MAGIC} {hashlib.sha256(rest).hexdigest()}\n".encode() + rest


def test_every_digit_name_and_shape_comes_back() -> None:
    plain, arrays = unpack(pack(PLAIN, ARRAYS))
    assert plain == PLAIN
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].tobytes() == array.tobytes()
        assert arrays[name].shape == array.shape
        assert arrays[name].flags.writeable


def test_the_order_in_which_arrays_are_given_makes_no_difference() -> None:
    assert pack(PLAIN, dict(reversed(ARRAYS.items()))) == pack(PLAIN, ARRAYS)


def test_the_bytes_of_another_machine_are_the_same() -> None:
    swapped = {name: array.astype(array.dtype.newbyteorder(">")) for name, array in ARRAYS.items()}
    assert pack(PLAIN, swapped) == pack(PLAIN, ARRAYS)


def test_no_byte_can_change_unnoticed() -> None:
    content = pack(PLAIN, ARRAYS)
    for place in range(len(content)):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        with pytest.raises(ValueError, match=r"first line|checksum"):
            unpack(changed)


def test_no_piece_of_a_file_is_a_file() -> None:
    content = pack(PLAIN, ARRAYS)
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r"first line|checksum"):
            unpack(content[:length])


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (b"{}\n", "second line is not as expected"),
        (b"[1]\n", "second line is not as expected"),
        (b"null\n", "second line is not as expected"),
        (b"[" * 100_000, "second line is not as expected"),
        (b"{\n", "Expecting property name"),
        (b'{"arrays":[["x","O",[1]]]}\n12345678', "array 'x' is of kind 'O'"),
        (b'{"arrays":[["x","<f8",[9]]]}\n12345678', "buffer is smaller than requested"),
        (b'{"arrays":[["x","<f8",[1]]]}\n123456789', "got 9 bytes of arrays, expected 8"),
        (b'{"arrays":[["x","<f8",["a"]]]}\n12345678', "second line is not as expected"),
    ],
)
def test_a_file_that_was_never_written_so_is_refused(rest: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unpack(with_checksum(rest))
