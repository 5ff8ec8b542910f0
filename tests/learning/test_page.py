"""The page about learning: its examples run."""

from __future__ import annotations

import doctest
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_examples_of_the_page_run() -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    found = doctest.testfile(str(DOCS / "learning.md"), module_relative=False, optionflags=flags)
    assert found.attempted > 5
    assert found.failed == 0
