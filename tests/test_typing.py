"""Types hold in a program of a user."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mypy import api


@pytest.fixture
def _same_recursion_limit() -> Iterator[None]:
    """Undo what mypy does to its process, in which other tests nest more deeply than Python takes."""
    limit = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("_same_recursion_limit")
def test_a_program_of_every_public_call_passes_the_strictest_check() -> None:
    program = Path(__file__).with_name("typed_program.py")
    said, problems, status = api.run(["--strict", "--follow-imports=silent", str(program)])
    assert (status, problems) == (0, ""), said
