"""One way to write a number or to put an id in words: nothing formats them privately."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import thighdx

PACKAGE = Path(thighdx.__file__).parent

# What `thighdx.text` writes, as others would write it themselves.
PRIVATE = {
    "a percentage": r"[0-9{:}]%\}|\b100(\.0)? ?\* ?[a-z(]|\* ?100\b",
    "decibans or bits with their sign": r":\+\.[0-9]f\}",
    "an id in words": r"""\.replace\(["']_["'], ?["'] ["']\)""",
}
ALLOWED = {
    "text.py": "here they are written",
    "evidence/vocabulary.py": "a day as a number; a name as it may be typed",
    "fhir/risk.py": "FHIR wants a number, not words",
    "learning/compare.py": "differences of log scores are nats",
    "learning/learned.py": "shifts are standard deviations",
}


def private_formats(path: Path) -> set[str]:
    """What a file writes itself."""
    text = path.read_text(encoding="utf-8")
    return {what for what, pattern in PRIVATE.items() if re.search(pattern, text)}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_numbers_and_ids_are_written_in_one_place(path: Path) -> None:
    assert bool(private_formats(path)) == (path.relative_to(PACKAGE).as_posix() in ALLOWED)


@pytest.mark.parametrize(
    "line",
    [
        'f"{x:.0%}"',
        'f"{x:.{digits}%}"',
        'f"{100 * x:.3g}"',
        'f"{x * 100}"',
        'f"{db:+.1f} dB"',
        'a.replace("_", " ")',
    ],
)
def test_a_private_format_is_found(line: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(line, encoding="utf-8")
    assert private_formats(tmp_path / "module.py")
