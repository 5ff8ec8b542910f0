"""The page about plots: its pictures are there and small (its examples run like those of every page)."""

from __future__ import annotations

import re

from places import ROOT

DOCS = ROOT / "docs" / "pages"


def test_the_pictures_of_the_page_are_there_and_small() -> None:
    named = set(
        re.findall(r"!\[[^\]]+\]\(plots/(\w+\.svg)\)", (DOCS / "gallery.md").read_text(encoding="utf-8"))
    )
    there = {path.name: path.stat().st_size for path in (DOCS / "plots").glob("*")}
    assert named == set(there)
    assert max(there.values()) < 100_000
