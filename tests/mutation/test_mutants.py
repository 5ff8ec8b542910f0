"""The mutants themselves: each changes one thing that runs, and nothing that is only read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import thighdx
from mutation.mutants import mutants

SOURCE = '''\
"""Says 1 + 1."""
__all__ = ["f"]

def f(a: int = 3, *, is_deep: bool = True) -> list[int]:
    if not a < 4 and is_deep:
        raise ValueError(f"got {a + 1}")
    return sorted(a, -a[1:]) + [0.5]
'''


def test_every_kind_of_change_is_found_and_nothing_that_is_for_readers() -> None:
    assert [(m.kind, SOURCE[m.start : m.end], m.text) for m in mutants(SOURCE)] == [
        ("constant", "3", "4"),
        ("boolean", "True", "False"),
        ("dropped not", "not a < 4", "(a < 4)"),
        ("comparison", "<", "<="),
        ("constant", "4", "5"),
        ("boolean", "and", "or"),
        ("swapped arguments", "a, -a[1:]", "-a[1:], a"),
        ("arithmetic", "-a[1:]", "(a[1:])"),
        ("slice", "1", ""),
        ("constant", "1", "2"),
        ("arithmetic", "+", "-"),
        ("constant", "0.5", "1.0"),
    ]


@pytest.mark.parametrize("room", ["network", "inference"])
def test_every_mutant_is_python_that_differs(room: str) -> None:
    for file in sorted((Path(thighdx.__file__).parent / room).glob("*.py")):
        source = file.read_text(encoding="utf-8")
        plain = ast.dump(ast.parse(source))
        assert [m for m in mutants(source) if ast.dump(ast.parse(m.applied_to(source))) == plain] == []
