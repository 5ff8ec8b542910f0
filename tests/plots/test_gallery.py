"""The page about plots: its examples run, and its pictures are there and small."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_examples_of_the_page_run() -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    found = doctest.testfile(str(DOCS / "plots.md"), module_relative=False, optionflags=flags)
    assert found.attempted > 10
    assert found.failed == 0


def test_the_pictures_of_the_page_are_there_and_small() -> None:
    named = set(
        re.findall(r"!\[[^\]]+\]\(plots/(\w+\.png)\)", (DOCS / "plots.md").read_text(encoding="utf-8"))
    )
    there = {path.name: path.stat().st_size for path in (DOCS / "plots").glob("*.png")}
    assert named == set(there)
    assert max(there.values()) < 60_000
