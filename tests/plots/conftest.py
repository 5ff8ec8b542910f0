"""What every test of a picture shares."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import pytest


@pytest.fixture(autouse=True)
def same_letters() -> Iterator[None]:
    """Letters as matplotlib's own font draws them unhinted: the same on every machine and in every version."""
    with mpl.rc_context({"text.hinting": "none", "font.family": "DejaVu Sans"}):
        yield
