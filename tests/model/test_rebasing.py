"""Shares of one's own: met in every setting, recorded, and refused where they cannot be."""

from __future__ import annotations

import math

import pytest

from thighdx.errors import EvidenceError, UnknownNameError
from thighdx.model import Model

# so common that others must give way when one cause is said to be nearly certain
COMMON = ("muscle_imbalance", "lumbar_radiculopathy", "hamstring_strain", "sacroiliac_or_facet_pain")
CASE = {"onset": "sudden", "bruising": True, "numbness": False, "age": 34}


def test_rebased_shares_are_met_and_the_others_kept_in_every_setting(model: Model) -> None:
    shares = {"hamstring_strain": 0.6, "lumbar_radiculopathy": 0.05, "deep_vein_thrombosis": 1e-5}
    for setting in model.settings:
        rebased = model.rebase(shares, setting=setting)
        before = model.diagnose({}, setting=setting).prior.to_dict()
        after = rebased.diagnose({}, setting=setting).prior.to_dict()
        assert after == pytest.approx({**before, **shares}, abs=1e-9)


def test_rebasing_one_setting_leaves_the_others_alone(model: Model) -> None:
    rebased = model.rebase({"hamstring_strain": 0.6}, setting="sports_clinic")
    assert rebased.diagnose({}, setting="sports_clinic").prior["hamstring_strain"] == pytest.approx(
        0.6, abs=1e-9
    )
    assert rebased.diagnose(CASE).posterior.equals(model.diagnose(CASE).posterior)
    assert dict(rebased.rebased) == {"sports_clinic": {"hamstring_strain": 0.6}}


def test_rebasing_leaves_the_model_it_started_from_alone(model: Model) -> None:
    before = model.diagnose(CASE).posterior
    model.rebase({"hamstring_strain": 0.6})
    assert model.diagnose(CASE).posterior.equals(before)
    assert model.rebased == {}


def test_what_a_cause_looks_like_does_not_change_with_its_share(model: Model) -> None:
    alone = {name: name == "hamstring_strain" for name in model.causes}
    rebased = model.rebase({"hamstring_strain": 0.4}, setting="primary_care")
    for name in ("bruising", "onset", "activity_level", "sex"):
        assert rebased.diagnose(alone).probabilities(name).to_dict() == pytest.approx(
            model.diagnose(alone).probabilities(name).to_dict(), abs=1e-12
        )


def test_every_result_of_a_rebased_model_records_the_shares(model: Model) -> None:
    rebased = model.rebase({"hamstring_strain": 0.6}, setting="sports_clinic").rebase({"stroke": 0.001})
    recorded = rebased.diagnose({}).to_dict()["model"]["rebased"]
    assert recorded == {"sports_clinic": {"hamstring_strain": 0.6}, "primary_care": {"stroke": 0.001}}


def test_without_a_setting_the_default_one_is_rebased(model: Model) -> None:
    rebased = model.rebase({"hamstring_strain": 0.3})
    assert rebased.diagnose({}).prior["hamstring_strain"] == pytest.approx(0.3, abs=1e-9)
    assert set(rebased.rebased) == {model.default_setting}


def test_an_exclusive_registry_is_scaled_to_the_mean_number_of_causes(model: Model) -> None:
    prior = model.diagnose({}).prior
    registry = (prior / prior.sum()).to_dict()
    registry["hamstring_strain"] += 0.05
    registry["lumbar_radiculopathy"] -= 0.05
    rebased = model.rebase(registry, setting="primary_care", exclusive=True)
    after = rebased.diagnose({}).prior
    assert after.sum() == pytest.approx(prior.sum(), abs=1e-9)
    assert after.to_dict() == pytest.approx({c: p * prior.sum() for c, p in registry.items()}, abs=1e-9)


def test_exclusive_shares_of_some_causes_are_scaled_too(model: Model) -> None:
    mean = model.diagnose({}).prior.sum()
    rebased = model.rebase({"hamstring_strain": 0.1}, setting="primary_care", exclusive=True)
    assert rebased.diagnose({}).prior["hamstring_strain"] == pytest.approx(0.1 * mean, abs=1e-9)


@pytest.mark.parametrize(
    ("shares", "options", "error", "message"),
    [
        (
            {"hamstring_strane": 0.1},
            {},
            UnknownNameError,
            "unknown cause 'hamstring_strane'; did you mean 'hamstring_strain'",
        ),
        ({"bruising": 0.1}, {}, UnknownNameError, "unknown cause 'bruising'"),
        ({"stroke": 0}, {}, EvidenceError, r"share of stroke: got 0, expected a probability in \(0, 1\)"),
        ({"stroke": 1.0}, {}, EvidenceError, "share of stroke: got 1.0, expected a probability"),
        ({"stroke": 30}, {}, EvidenceError, "share of stroke: got 30, expected a probability"),
        ({"stroke": math.nan}, {}, EvidenceError, "share of stroke: got nan, expected a probability"),
        ({"stroke": "0.1"}, {}, EvidenceError, "share of stroke: got '0.1', expected a probability"),
        ({"stroke": True}, {}, EvidenceError, "share of stroke: got True, expected a probability"),
        ({"stroke": 10**400}, {}, EvidenceError, "share of stroke: got 1000"),
        ({"stroke": 0.1}, {"setting": "ward"}, EvidenceError, "setting: got 'ward', expected one of"),
        (
            {"stroke": 0.99, "dehydration": 0.99, "fibromyalgia": 0.99},
            {},
            EvidenceError,
            (
                r"shares in primary_care sum to \d\.\d+ with those not named, expected more than 1 and "
                r"less than max_causes = 2"
            ),
        ),
        (
            {"lumbar_radiculopathy": 0.001, "muscle_overexertion": 0.001},
            {"setting": "primary_care"},
            EvidenceError,
            "shares in primary_care sum to 0.*name other causes too, or use exclusive=True",
        ),
        (
            {"stroke": 0.95} | dict.fromkeys(COMMON, 0.0001),
            {"exclusive": True},
            EvidenceError,
            r"share of stroke in primary_care comes to 1\.\d+, expected less than 1",
        ),
        (
            {"stroke": 0.7, "dehydration": 0.7},
            {"exclusive": True},
            EvidenceError,
            "exclusive shares sum to 1.4, expected at most 1: one diagnosis per patient",
        ),
    ],
)
def test_shares_that_cannot_be_are_refused(
    model: Model, shares: dict, options: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        model.rebase(shares, **options)
