"""Explanations of models with a knowledge base: what a line says about where it comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import pytest

import floats
import thighdx
from plain_cases import case_of
from thighdx.compiled.case import open_case
from thighdx.reasoning.evidence_terms import evidence_terms
from thighdx.reasoning.explain.contributions import explain_cause
from thighdx.reasoning.explain.explanation import Explanation
from thighdx.reasoning.explain.swings import LIKELY_ANSWER


def total(found: Explanation) -> float:
    """Everything that is said to add up to the posterior."""
    given_first = found.conditioning.decibans if found.conditioning else 0.0
    assert given_first is not None
    return found.prior_decibans + given_first + sum(line.decibans for line in found.lines)


def explained(model: thighdx.Model, known: Mapping[str, object], cause: str, setting: str) -> Explanation:
    return explain_cause(open_case(model.compiled, known, setting=setting), cause)


KNOWN = {
    "onset": "sudden",
    "onset_during_exercise": True,
    "bruising": True,
    "numbness": False,
    "low_back_pain": {"absent": 0.8, "present": 0.3},
    "age": 34,
    "sex": "female",
    "pregnancy": "none",
    "diabetes": False,
}


def test_every_cause_of_the_shipped_model_closes(model: thighdx.Model) -> None:
    for setting in model.settings[:2]:
        result = model.diagnose(KNOWN, setting=setting)
        for cause in model.causes:
            found = explained(model, KNOWN, cause, setting)
            assert found.posterior == pytest.approx(result.posterior[cause], rel=floats.SAME_BASE * 100)
            if found.posterior_decibans is not None:
                assert abs(total(found) - found.posterior_decibans) < floats.CLOSES
                assert abs(found.closing_error_decibans) < floats.CLOSES


def test_a_line_leads_to_judgements_and_sources(model: thighdx.Model) -> None:
    found = explained(model, KNOWN, "hamstring_strain", "sports_clinic")
    lines = {line.variable: line for line in found.lines}
    bruising = [basis.name for basis in lines["bruising"].judgements]
    assert bruising == ["links:hamstring_strain|bruising|present", "backgrounds:bruising|present"]
    kb = model.compiled.kb
    for line in found.lines:
        assert line.judgements
        assert line.label == model.variables[line.variable].label
        assert {found.citations[source] for source in line.sources} <= {
            s.citation for s in kb.sources.values()
        }
        if line.other:
            assert any(line.other in basis.key for basis in line.judgements) or line.via == "companion"
    tables = {basis.table for basis in lines["sex"].judgements}
    assert {"frequencies", "dependencies"} <= tables
    assert found.prior_judgements[0].key == ("hamstring_strain", "sports_clinic")


def test_a_share_of_the_users_own_is_not_presented_as_elicited(small_model: thighdx.Model) -> None:
    rebased = small_model.rebase({"clot": 0.2})
    own = explained(rebased, {}, "clot", "clinic").prior_judgements[0]
    assert (own.point, own.sources) == (pytest.approx(0.2, abs=1e-9), ("rebased",))
    assert explained(small_model, {}, "clot", "clinic").prior_judgements[0].sources == ("desk",)


def test_open_questions_do_what_they_are_said_to_do(small_model: thighdx.Model) -> None:
    known = {"bruising": True, "tingling": False}
    found = explained(small_model, known, "strain", "clinic")
    names = [swing.variable for swing in found.unknown]
    assert "tingling_spreads" not in names  # asked only if it tingles
    assert not set(names) & set(known)
    now = small_model.diagnose(known).posterior["strain"]
    for swing in found.unknown:
        for state, decibans in (
            (swing.highest, swing.highest_decibans),
            (swing.lowest, swing.lowest_decibans),
        ):
            result = small_model.diagnose(known)
            assert result.probabilities(swing.variable)[state] >= LIKELY_ANSWER
            then = small_model.diagnose({**known, swing.variable: state}).posterior["strain"]
            moved = 10 * math.log10(then / (1 - then) / (now / (1 - now)))
            assert decibans == pytest.approx(moved, abs=1e-9)
    widths = [swing.highest_decibans - swing.lowest_decibans for swing in found.unknown]
    assert widths == sorted(widths, reverse=True)


def test_it_can_be_read_and_is_data(small_model: thighdx.Model) -> None:
    found = explained(small_model, {"bruising": True, "clot": "present", "pain": "mild"}, "strain", "clinic")
    shown = repr(found).splitlines()
    assert shown[0].startswith("strain: 50.0% before, ")
    assert shown[1].split() == ["before", f"{found.prior_decibans:+.1f}"]
    assert any(line.strip().startswith("given: clot = present") for line in shown)
    assert any("█" in line for line in shown)
    frame = found.to_frame()
    assert frame["decibans"].tolist() == [line.decibans for line in found.lines]
    assert frame["decibans"].abs().is_monotonic_decreasing
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    keys = {line["variable"]: line["judgements"][0]["key"] for line in data["lines"]}
    assert keys == {"bruising": ["strain", "bruising", "present"], "pain": ["strain", "pain", "mild"]}
    assert data["citations"]["desk"] == "Judged at a desk"
    assert list(explained(small_model, {}, "clot", "clinic").to_frame().columns) == list(frame.columns)


def test_terms_add_up_and_leave_one_out(small_model: thighdx.Model) -> None:
    case = case_of(small_model.network.spec, {"age_band": "65+", "pregnancy": "no", "pain": "mild"}, "clinic")
    terms = evidence_terms(small_model.network, case.batch)
    assert terms.log_share.sum(axis=0) == pytest.approx(terms.log_likelihood, abs=floats.BY_HAND)
    fewer = case_of(small_model.network.spec, {"pregnancy": "no", "pain": "mild"}, "clinic")
    without_age = evidence_terms(small_model.network, fewer.batch).log_likelihood
    assert terms.leave_one_out()[0] == pytest.approx(without_age, abs=floats.BY_HAND)
