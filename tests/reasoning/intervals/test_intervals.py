"""Credible intervals, where the exact distribution is known and against draws."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special

import floats
import thighdx
from plain_cases import finding, make_spec
from reasoning.intervals.judged import judgements
from thighdx.compiled.case import Case, open_case
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.errors import OptionError, UnknownNameError
from thighdx.kb.records import Group, KnowledgeBase, Variable
from thighdx.network.build import solve_parameters
from thighdx.once import Once
from thighdx.reasoning.intervals.credible_intervals import credible_intervals
from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
from thighdx.reasoning.intervals.layout import judgement_layout
from thighdx.reasoning.intervals.montecarlo import draw_log_odds

CASES: list[dict[str, object]] = [
    {"onset": "sudden", "bruising": True, "numbness": False, "age": 34},
    {"sex": "male", "age_band": "65-79", "low_back_pain": True, "numbness": True, "saddle_anesthesia": True},
    {"muscle_cramp": True, "nocturnal_occurrence": True},
]


def shipped(model: thighdx.Model, number: int, **options: object) -> CredibleIntervals:
    known = {k: v for k, v in CASES[number].items() if k in model.variables or k == "age"}
    case = open_case(model.compiled, known, setting="primary_care")
    return credible_intervals(case, 0.9, **options)  # type: ignore[arg-type]


def tiny() -> Case:
    """Two causes and a finding that is absent; only the link of the first cause is uncertain."""
    spec = make_spec({"a": 0.6, "b": 0.5}, (finding("f", 0.1, ("a", "b"), a=0.7),))
    pooled = {key: item for key, item in judgements(spec, spread=0.4).items() if key[0] == "links"}
    variables = (
        Variable("a", "cause", "A", ("absent", "present")),
        Variable("b", "cause", "B", ("absent", "present")),
        Variable("f", "finding", "F", ("absent", "present"), "F?"),
    )
    kb = KnowledgeBase(
        manifest=SimpleNamespace(complaints=()),  # type: ignore[arg-type]  # nothing else is looked at
        variables=variables,
        judgements=(),
        groups=(Group("any", "Any", ("a", "b")),),
        codes=(),
        red_flags=(),
        harms=(),
        advice=(),
        sources={},
        digest="",
    )
    solved = solve_parameters(spec)
    compiled = CompiledModel(kb, Once(lambda: pooled), spec, solved, spec.shares, {})
    return open_case(compiled, {"f": False}, setting="here")


def test_one_uncertain_link_gives_the_quantiles_that_can_be_worked_out() -> None:
    """P(a | f absent) = x / (x + y): x, of {a} and {a, b}, is proportional to 1 - p, and y is fixed.

    So its log odds are log(1 - p) plus a constant, and their quantiles come from those of p.
    """
    case, z = tiny(), NormalDist().inv_cdf(0.95)
    middle = float(special.logit(0.7))
    exact = [np.log1p(-special.expit(x)) for x in (middle + 0.4 * z, middle, middle - 0.4 * z)]
    found = credible_intervals(case, 0.9, method="delta")["a"]
    point = special.logit(found.posterior)
    np.testing.assert_allclose(
        special.logit(found.lower), point + exact[0] - exact[1], atol=floats.TINY_INTERVAL
    )
    np.testing.assert_allclose(
        special.logit(found.upper), point + exact[2] - exact[1], atol=floats.TINY_INTERVAL
    )


def test_intervals_hold_the_share_of_draws_they_name() -> None:
    case = tiny()
    layout = judgement_layout(case.compiled.network, case.compiled.pooled)
    draws = draw_log_odds(case.compiled.network, layout, case.evidence.batch, n_draws=2000, seed=9).log_odds[
        :, 0
    ]
    for level in (0.5, 0.9):
        for method in ("delta", "draws"):
            found = credible_intervals(case, level, method=method)["a"]
            inside = (draws > special.logit(found.lower)) & (draws < special.logit(found.upper))
            assert inside.mean() == pytest.approx(level, abs=floats.COVERAGE)


def test_what_cannot_fail_has_no_interval() -> None:
    found = credible_intervals(tiny(), 0.9)["any"]
    assert (found.lower, found.posterior, found.upper, found.method) == (1, 1, 1, "certain")


@pytest.mark.parametrize("number", range(len(CASES)))
def test_delta_and_draws_agree_well_enough_and_the_choice_is_told(model: thighdx.Model, number: int) -> None:
    found = shipped(model, number, n_draws=200)
    close = []
    for item in found.causes.values():
        if item.method == "certain":
            assert item.lower == item.posterior == item.upper
            continue
        assert 0 < item.lower <= item.posterior <= item.upper < 1
        assert item.delta is not None
        assert item.draws is not None
        assert item.method == ("draws" if item.disagrees else "delta")
        if item.posterior > 1e-4:
            gap = special.logit(np.array(item.delta)) - special.logit(np.array(item.draws))
            close.append(np.abs(gap).max() < np.log(1.35))
    assert np.mean(close) > 0.9


def test_wider_levels_give_wider_intervals_and_the_posterior_stays_inside(model: thighdx.Model) -> None:
    case = open_case(model.compiled, {"bruising": True}, setting="primary_care")
    widths = []
    for level in (0.01, 0.5, 0.9, 0.99):
        found = credible_intervals(case, level, method="delta")
        for item in found.causes.values():
            assert item.lower <= item.posterior <= item.upper
        widths.append([i.upper - i.lower for i in found.causes.values()])
    assert (np.diff(np.array(widths), axis=0) > 0).all()
    narrow = credible_intervals(case, 0.01, method="delta")
    assert any(item.is_moved for item in narrow.causes.values())


def test_intervals_are_reproducible_and_plain_data(model: thighdx.Model) -> None:
    first, again = shipped(model, 0, n_draws=50), shipped(model, 0, n_draws=50)
    assert first.to_dict() == again.to_dict()
    json.dumps(first.to_dict(), allow_nan=False)
    frame = first.to_frame()
    assert list(frame.columns[:3]) == ["posterior", "lower", "upper"]
    assert frame["posterior"].is_monotonic_decreasing
    assert set(first.to_frame(groups=True).index) == set(model.groups)
    assert "credible intervals" in repr(first)
    with pytest.raises(UnknownNameError, match="hamstring_strain"):
        first["hamstring_strian"]


def test_intervals_hold_their_causes_and_groups_and_go_through_the_causes(model: thighdx.Model) -> None:
    found = model.diagnose({"bruising": True}).interval(0.9, method="delta")
    assert list(found) == list(model.causes)
    assert [name in found for name in ("hamstring_strain", "sciatica", "hamstrng", "lower")] == [
        *[True] * 2,
        *[False] * 2,
    ]


def test_intervals_of_a_result_have_names_for_people_and_survive_pickling(model: thighdx.Model) -> None:
    found = model.diagnose({"bruising": True}).interval(0.8, method="delta")
    assert len(found) == len(model.causes)
    assert found.labels["hamstring_strain"] == "Hamstring strain"
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert repr(again).startswith("80% credible intervals")


USES: dict[str, Callable[..., object]] = {
    '["lower"]': lambda found: found["lower"].to_dict(),
    '[["lower", "upper"]]': lambda found: found[["lower", "upper"]].shape,
    '["lower"] > 0.1': lambda found: (found["lower"] > 0.1).sum(),
    ".loc": lambda found: found.loc["hamstring_strain", "upper"],
    ".head": lambda found: found.head(3).round(2).to_csv(),
    ".upper": lambda found: found.upper.max(),
    ".iterrows": lambda found: [name for name, _ in found.iterrows()],
    ".reset_index": lambda found: found.reset_index().to_dict(orient="records"),
}


@pytest.mark.parametrize("use", USES)
def test_what_worked_with_the_table_of_an_earlier_version_still_does(model: thighdx.Model, use: str) -> None:
    found = model.diagnose({"bruising": True}).interval(0.8, method="delta")
    with pytest.warns(DeprecationWarning, match=r"whose table is to_frame\(\): write \.to_frame\(\)"):
        value = USES[use](found)
    assert value == USES[use](found.to_frame())


@pytest.mark.parametrize("name", ["no_such_thing", "_repr_mimebundle_", "__array__"])
def test_what_neither_the_intervals_nor_a_table_has_is_missing(model: thighdx.Model, name: str) -> None:
    found = model.diagnose({"bruising": True}).interval(0.8, method="delta")
    with pytest.raises(AttributeError, match=name):
        getattr(found, name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 1.0}, r"level: got 1[.]0, expected a level between 0 and 1"),
        ({"level": "0.9"}, r"level: got '0\.9', expected a level between 0 and 1"),
        ({"method": "bootstrap"}, "method: got 'bootstrap', expected one of auto, delta, draws"),
        ({"method": "detla"}, "expected one of auto, delta, draws; did you mean 'delta'"),
        ({"n_draws": 0}, "n_draws: got 0, expected 1 or more"),
        ({"seed": -1}, "seed: got -1, expected 0 or more"),
    ],
)
def test_arguments_out_of_range_are_refused(options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        credible_intervals(tiny(), **{"level": 0.9, **options})
