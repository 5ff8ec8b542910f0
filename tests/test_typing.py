"""Types hold in a program of a user."""

from __future__ import annotations

from pathlib import Path

from mypy import api


def test_a_program_of_every_public_call_passes_the_strictest_check() -> None:
    program = Path(__file__).with_name("typed_program.py")
    said, problems, status = api.run(["--strict", "--follow-imports=silent", str(program)])
    assert (status, problems) == (0, ""), said
