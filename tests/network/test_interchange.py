"""The whole model in two other programs, which know nothing of explanations: pgmpy and pyAgrum."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import thighdx
from thighdx.model import Model
from thighdx.network.interchange import ROOT, conditional_tables, explanation_names

# Sums of some thousand products of a dozen doubles, in another order than ours.
ANOTHER_PROGRAM = 1e-9

# One line for each corner of the network; the published cases follow below.
CASES = [
    {},
    {"onset": "sudden", "bruising": True, "sprint_or_overstretch": True, "age": 24, "sex": "male"},
    {"sex": "female", "pregnancy": "second_or_third_trimester", "muscle_cramp": True, "night_cramps": None},
    {"sex": "female", "postpartum": True, "leg_swelling": True, "d_dimer_raised": True},
    {"age": 84, "lumbar_spondylosis": True, "pain_severity": "severe", "saddle_anesthesia": True},
    {"pregnancy": "none", "estrogen_therapy": True, "symptom_duration": "years", "muscle_weakness": "marked"},
]


def published_cases() -> list[dict[str, object]]:
    """The evidence of the shipped published cases, without their texts and truths."""
    table = pd.read_csv(thighdx.data_path("published_cases.csv"), dtype=str)
    known = set(thighdx.load_model().variables) | {"age"}
    rows = table[[column for column in table.columns if column in known]].to_dict("records")
    return [{name: value for name, value in row.items() if isinstance(value, str)} for row in rows]


@pytest.fixture(scope="module")
def cases(model: Model) -> list[dict[str, str]]:
    """Evidence in the model's own words."""
    kept = [{name: value for name, value in case.items() if value is not None} for case in CASES]
    results = [model.diagnose(case) for case in [*kept, *published_cases()]]
    found = [dict(result.evidence) for result in results]
    assert len(found) >= 30
    assert max(map(len, found)) > 20
    return found  # type: ignore[return-value]  # no virtual evidence among them


@pytest.fixture(scope="module")
def pgmpy_model(model: Model) -> Any:
    return in_pgmpy(model)


def in_pgmpy(model: Model, setting: str | None = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing pgmpy warns about names it will drop itself
        return model.to_pgmpy(setting=setting)


@pytest.fixture(scope="module")
def agrum_model(model: Model) -> Any:
    return in_agrum(model)


def import_agrum() -> Any:
    """The module; it crashes on import where its own deprecation warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyagrum
    return pyagrum


def in_agrum(model: Model) -> Any:
    """The same tables in pyAgrum, whose arrays run through the last variable first."""
    pyagrum = import_agrum()
    network, setting_idx = model.network, model.settings.index(model.default_setting)
    net = pyagrum.BayesNet("thigh")
    net.add(pyagrum.RangeVariable(ROOT, "", 0, network.explanations.n_explanations - 1))
    tables = list(conditional_tables(network, setting_idx))
    states = dict(zip(network.variable_ids, network.states, strict=True))
    for child, parents, _ in tables:
        net.add(pyagrum.LabelizedVariable(child, child, list(states[child])))
        for parent in parents:
            net.addArc(parent, child)
    net.cpt(ROOT).fillWith(np.exp(network.log_prior(setting_idx)).tolist())
    for child, parents, table in tables:
        assert list(net.cpt(child).names) == [child, *parents]
        net.cpt(child).fillWith(table.T.ravel().tolist())
    return net


# ---- the tables -------------------------------------------------------------------------------------


def test_every_variable_has_one_table_whose_columns_sum_to_one(model: Model) -> None:
    seen: list[str] = []
    for child, parents, table in conditional_tables(model.network, 4):
        assert parents[0] == ROOT
        assert set(parents[1:]) <= set(seen)
        shape = [len(model.variables[name].states) for name in (child, *parents[1:])]
        assert table.shape == (shape[0], 1_225, *shape[1:])
        assert np.abs(table.sum(axis=0) - 1).max() < 1e-12
        assert (table >= 0).all()
        seen.append(child)
    assert sorted(seen) == sorted(model.variables)


def test_explanations_are_named_by_their_causes(model: Model) -> None:
    names = explanation_names(model.network)
    assert len(set(names)) == 1_225
    assert names[0] == "muscle_overexertion"
    for name, members in zip(names, model.network.membership, strict=True):
        assert name.split("+") == [c for c, inside in zip(model.causes, members, strict=True) if inside]


# ---- pgmpy ------------------------------------------------------------------------------------------


def test_pgmpy_finds_the_whole_model_sound(model: Model, pgmpy_model: Any) -> None:
    assert pgmpy_model.check_model()
    assert set(pgmpy_model.nodes()) == {ROOT, *model.variables}
    assert {parent for parent, _ in pgmpy_model.edges()} >= {ROOT}
    assert {child for parent, child in pgmpy_model.edges() if parent == ROOT} == set(model.variables)
    assert pgmpy_model.get_cpds("pain_severity").state_names["pain_severity"] == [
        "none",
        "mild",
        "moderate",
        "severe",
    ]


def test_pgmpy_gives_the_same_posteriors(model: Model, pgmpy_model: Any, cases: list[dict[str, str]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        from pgmpy.inference import VariableElimination

    engine = VariableElimination(pgmpy_model)
    for case in cases:
        answer = engine.query([ROOT], evidence=dict(case), show_progress=False)
        assert answer.state_names[ROOT] == explanation_names(model.network)
        check_posterior(model, case, answer.values)


def test_pgmpy_gives_the_same_probabilities_of_what_is_unknown(model: Model, pgmpy_model: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        from pgmpy.inference import VariableElimination

    engine = VariableElimination(pgmpy_model)
    case = {"sex": "female", "muscle_cramp": "present", "onset": "gradual"}
    ours = model.diagnose(case)
    for name in ("bruising", "pain_severity", "activity_level", "lumbar_disc_herniation", "postpartum"):
        answer = engine.query([name], evidence=dict(case), show_progress=False)
        theirs = dict(zip(answer.state_names[name], answer.values.tolist(), strict=True))
        assert theirs == pytest.approx(ours.probabilities(name).to_dict(), abs=ANOTHER_PROGRAM)


def test_every_setting_can_be_written_for_pgmpy(model: Model) -> None:
    for setting in ("self_report", "emergency_department"):
        prior = in_pgmpy(model, setting).get_cpds(ROOT).values
        shares = dict(zip(model.causes, prior @ model.network.membership, strict=True))
        assert shares == pytest.approx(
            model.diagnose({}, setting=setting).prior.to_dict(), abs=ANOTHER_PROGRAM
        )


def test_an_unknown_setting_cannot_be_written(model: Model) -> None:
    with pytest.raises(thighdx.EvidenceError, match="setting: got 'ward', expected one of self_report"):
        model.to_pgmpy(setting="ward")


# ---- pyAgrum ----------------------------------------------------------------------------------------


def test_pyagrum_gives_the_same_posteriors_and_evidence(
    model: Model, agrum_model: Any, cases: list[dict[str, str]]
) -> None:
    pyagrum = import_agrum()
    for case in cases:
        engine = pyagrum.LazyPropagation(agrum_model)
        engine.addTarget(ROOT)
        engine.setEvidence(dict(case))
        engine.makeInference()
        check_posterior(model, case, engine.posterior(ROOT).toarray())
        if case:
            ours = model.diagnose(case).log_evidence
            assert math.log(engine.evidenceProbability()) == pytest.approx(ours, abs=ANOTHER_PROGRAM)


def test_pyagrum_reads_uncertain_evidence_the_same_way(model: Model, agrum_model: Any) -> None:
    pyagrum = import_agrum()
    case = {
        "muscle_weakness": {"none": 0.2, "mild": 0.7, "marked": 0.1},
        "pregnancy": {"none": 0.5, "first_trimester": 0.9, "second_or_third_trimester": 0.0},
        "postpartum": {"absent": 0.3, "present": 0.6},
        "lumbar_disc_herniation": {"absent": 0.1, "present": 0.4},
    }
    engine = pyagrum.LazyPropagation(agrum_model)
    engine.addTarget(ROOT)
    engine.addTarget("age_band")
    engine.setEvidence({name: list(weights.values()) for name, weights in case.items()} | {"onset": "sudden"})
    engine.makeInference()
    ours = model.diagnose({**case, "onset": "sudden"})
    posterior = engine.posterior(ROOT).toarray() @ model.network.membership
    assert dict(zip(model.causes, posterior, strict=True)) == pytest.approx(
        ours.posterior.to_dict(), abs=ANOTHER_PROGRAM
    )
    bands = engine.posterior("age_band").toarray().tolist()
    assert bands == pytest.approx(ours.probabilities("age_band").tolist(), abs=ANOTHER_PROGRAM)


def check_posterior(model: Model, case: dict[str, str], explanations: np.ndarray) -> None:
    """Compare another program's P(explanation | case) with our posteriors and best explanations."""
    ours = model.diagnose(case)
    theirs = explanations @ model.network.membership
    assert dict(zip(model.causes, theirs, strict=True)) == pytest.approx(
        ours.posterior.to_dict(), rel=ANOTHER_PROGRAM, abs=1e-15
    )
    best = explanation_names(model.network)[int(np.argmax(explanations))]
    assert best == "+".join(ours.explanations(1)[0].causes)
