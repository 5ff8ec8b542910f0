"""Smallest conflicts: impossible as a whole, possible without any one member."""

from __future__ import annotations

import numpy as np
import pytest

import thighdx
from thighdx.errors import ImpossibleEvidenceError

CONTRADICTIONS = (
    {"sex": "male", "pregnancy": "second_or_third_trimester"},
    {"age_band": "80+", "postpartum": "present"},
    {
        "pregnancy": {"none": 0, "first_trimester": 1, "second_or_third_trimester": 2},
        "sex": "male",
    },
    {"pregnancy": "none", "pregnancy_related_cramp": True},  # impossible with that cause only
)


def conflict_of(model: thighdx.Model, case: dict[str, object]) -> dict[str, str]:
    """The conflict of impossible evidence, {} where the evidence is possible."""
    try:
        model.diagnose(case)
    except ImpossibleEvidenceError as error:
        return dict(error.conflict)
    return {}


@pytest.mark.parametrize("seed", range(12))
def test_a_conflict_in_random_evidence_is_minimal(model: thighdx.Model, seed: int) -> None:
    """Everything else a patient may have does not matter, and no member of the conflict can be left out."""
    rng = np.random.default_rng(seed)
    row = model.simulate(1, seed=seed).iloc[0]
    known = {name: row[name] for name in model.variables if rng.random() < 0.5}
    n_causes = model.max_causes + 1 if seed % 3 == 0 else 0
    causes = dict.fromkeys(rng.permutation(list(model.causes))[:n_causes].tolist(), True)
    added = {} if causes else CONTRADICTIONS[seed % len(CONTRADICTIONS)]
    demographic = {"sex", "age_band", "pregnancy", "postpartum", "estrogen_therapy"}
    case = {**{k: v for k, v in known.items() if k not in demographic}, **causes, **added}
    conflict = conflict_of(model, case)
    assert set(conflict) == set(causes) | set(added)
    for name in conflict:
        assert conflict_of(model, {key: case[key] for key in conflict if key != name}) == {}
    assert conflict_of(model, {key: case[key] for key in conflict}) == conflict


def test_all_causes_absent_is_a_conflict_of_all_causes(model: thighdx.Model) -> None:
    conflict = conflict_of(model, {**dict.fromkeys(model.causes, False), "bruising": True})
    assert conflict == dict.fromkeys(model.causes, "absent")


def test_evidence_that_only_underflows_is_shown_as_a_whole(model: thighdx.Model) -> None:
    """No zero of the model is behind it, so no part of it is to blame."""
    old = {"18-39": 1e-200, "40-49": 0.0, "50-64": 0.0, "65-79": 1.0, "80+": 1.0}
    case = {"sex": {"female": 1e-200, "male": 1.0}, "age_band": old, "pregnancy": "first_trimester"}
    assert set(conflict_of(model, case)) == set(case)
