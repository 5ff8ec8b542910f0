"""Files that appear complete or not at all, with the permissions they should have."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from thighdx.atomic_files import check_writable, create_file


@pytest.fixture
def umask() -> Iterator[int]:
    """Files of this process are not for everyone."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("umask")
def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    with create_file(tmp_path / "new") as stream:
        stream.write(b"content")
    assert mode(tmp_path / "new") == 0o640
    assert (tmp_path / "new").read_bytes() == b"content"


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "old"
    target.write_bytes(b"before")
    target.chmod(0o604)
    with create_file(target) as stream:
        stream.write(b"after")
    assert (mode(target), target.read_bytes()) == (0o604, b"after")


def test_no_file_of_another_thread_is_ever_made_for_everyone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mask belongs to the whole process: reading it means setting it, and whoever makes a file then is exposed."""

    def refuse(_: int) -> int:
        raise AssertionError("the mask of the process was changed")

    monkeypatch.setattr(os, "umask", refuse)
    with create_file(tmp_path / "new") as stream:
        stream.write(b"content")
    with create_file(tmp_path / "new") as stream:
        stream.write(b"again")
    check_writable(tmp_path / "other")


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"before")
    with pytest.raises(RuntimeError, match="half way"), create_file(tmp_path / "old") as stream:  # noqa: PT012
        stream.write(b"after")
        raise RuntimeError("half way")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"before")]


def test_nothing_in_thighdx_touches_the_mask_of_the_process() -> None:
    package = Path(sys.modules["thighdx"].__file__ or "").parent
    assert [file.name for file in package.rglob("*.py") if "umask" in file.read_text(encoding="utf-8")] == []
