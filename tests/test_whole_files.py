"""Files that appear complete or not at all, with the permissions of any other file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from thighdx.whole_files import create_file


@pytest.fixture
def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_permissions_are_those_of_a_new_file_and_the_umask_is_left_alone(
    tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.umask", None)  # another thread may be creating files at this moment
    with create_file(tmp_path / "new") as stream:
        stream.write(b"x")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "old"
    target.write_bytes(b"old")
    target.chmod(0o640)
    with create_file(target) as stream:
        stream.write(b"new")
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o640)
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="division"), create_file(tmp_path / "new") as stream:
        stream.write(str(1 / 0).encode())
    assert list(tmp_path.iterdir()) == []
