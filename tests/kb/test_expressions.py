"""Conditions are parsed by a grammar; nothing in them is ever run."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thighdx.kb.expressions import (
    MAX_DEPTH,
    MAX_LENGTH,
    AllOf,
    AnyOf,
    Expression,
    Is,
    atoms,
    holds,
    parse_expression,
)

A, B, C = Is("a", "x"), Is("b", "y"), Is("c", "z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=x", A),
        ("  a = x ", A),
        ("((a=x))", A),
        ("a=x or b=y", AnyOf((A, B))),
        ("a=x and b=y", AllOf((A, B))),
        ("a=x and b=y and c=z", AllOf((A, B, C))),
        ("a=x or b=y and c=z", AnyOf((A, AllOf((B, C))))),
        ("(a=x or b=y) and c=z", AllOf((AnyOf((A, B)), C))),
        ("a=x and(b=y or c=z)", AllOf((A, AnyOf((B, C))))),
        ("age_band=65-79\n or age_band=80+", AnyOf((Is("age_band", "65-79"), Is("age_band", "80+")))),
    ],
)
def test_and_binds_before_or_and_parentheses_before_both(text: str, expected: Expression) -> None:
    assert parse_expression(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got the end, expected variable=state"),
        ("fever", r"got 'fever', expected variable=state or '\('"),
        ("a=x and", "got the end, expected variable=state"),
        ("a=x or or b=y", r"got 'or', expected variable=state or '\('"),
        ("a=x b=y", "after a complete condition, expected 'and', 'or' or the end"),
        ("a=x AND b=y", "got AND after a complete condition"),
        ("a==x", "got '==x', expected variable=state"),
        ("=x", "got '=x', expected variable=state"),
        ("not a=x", r"got 'not', expected variable=state or '\('"),
        ("(a=x", r"a '\(' is never closed"),
        ("(a=x b=y)", r"a '\(' is never closed"),
        ("a=x)", r"got \) after a complete condition"),
        ("()", r"got '\)', expected variable=state or '\('"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')=present",
        "a=x or __import__('os').system('true')",
        "a=x and (lambda: b)()=y",
        "open('x').read()=y",
    ],
)
def test_python_is_refused_and_never_run(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|never closed"):
        parse_expression(text)


def test_parentheses_may_nest_so_deep_and_no_deeper() -> None:
    assert parse_expression("(" * MAX_DEPTH + "a=x" + ")" * MAX_DEPTH) == A
    with pytest.raises(ValueError, match=f"parentheses nested deeper than {MAX_DEPTH}"):
        parse_expression("(" * (MAX_DEPTH + 1) + "a=x" + ")" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("text", ["(" * 4_000, "(a=x or " * 600, "a" * MAX_LENGTH, "a=" * 2_500])
def test_hostile_text_within_the_length_limit_is_refused_and_not_a_crash(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|nested deeper"):
        parse_expression(text)


def test_ten_thousand_characters_are_refused_before_they_are_read() -> None:
    text = " or ".join(["a=x"] * 1_500)
    with pytest.raises(ValueError, match=f"got {len(text)} characters, expected at most {MAX_LENGTH}"):
        parse_expression(text)


# ---- properties ----------------------------------------------------------------------------------

leaves = st.builds(Is, st.sampled_from("abcd"), st.sampled_from("xy"))
expressions = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([AllOf, AnyOf]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=8,
)
evidence = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xy"))


def written(expression: Expression) -> str:
    if isinstance(expression, Is):
        return f"{expression.variable}={expression.state}"
    word = " and " if isinstance(expression, AllOf) else " or "
    return "(" + word.join(map(written, expression.parts)) + ")"


@settings(deadline=None, derandomize=True)
@given(expressions)
def test_a_written_condition_reads_back_as_itself(expression: Expression) -> None:
    assert parse_expression(written(expression)) == expression
    assert [f"{a.variable}={a.state}" for a in atoms(expression)] == [
        word for word in written(expression).replace("(", " ").replace(")", " ").split() if "=" in word
    ]


@settings(deadline=None, derandomize=True)
@given(expressions, evidence)
def test_what_holds_with_something_unknown_holds_whatever_it_turns_out_to_be(
    expression: Expression, known: dict[str, str]
) -> None:
    verdict = holds(expression, known)
    unknown = [name for name in "abcd" if name not in known]
    completions = [
        holds(expression, {**known, **dict(zip(unknown, states, strict=True))})
        for states in itertools.product("xy", repeat=len(unknown))
    ]
    assert None not in completions
    if verdict is not None:
        assert set(completions) == {verdict}


@settings(deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from(["a=x", "b=y", " and ", " or ", "(", ")", "=", "b", "'", "\n"]), max_size=9).map(
        "".join
    )
)
def test_any_text_is_either_a_condition_or_a_value_error(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ValueError:
        return
    assert parse_expression(written(expression)) == expression


def test_unknown_is_neither_true_nor_false() -> None:
    condition = parse_expression("a=x and (b=y or c=z)")
    assert holds(condition, {}) is None
    assert holds(condition, {"a": "x"}) is None
    assert holds(condition, {"a": "other"}) is False
    assert holds(condition, {"a": "x", "c": "z"}) is True
    assert holds(condition, {"a": "x", "b": "n", "c": "n"}) is False
