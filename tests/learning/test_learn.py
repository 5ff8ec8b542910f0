"""A model that learned: what moves and what stays, what is written, and what a second update starts from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import beta

import kb_builder
import thighdx
from floats import CALIBRATED, CONJUGATE
from learning.clinic import drawn_network, hidden, layout_of, patients
from thighdx.compiled.difference import diff_models
from thighdx.elicitation.distribution import from_working
from thighdx.errors import EvidenceError, TableError
from thighdx.kb.tables import COMPILED_FILE
from thighdx.learning.counts import combine, learn_counts
from thighdx.learning.estimate import estimate, read_source
from thighdx.learning.learned import Learned
from thighdx.learning.learner import network_of
from thighdx.model import Model
from thighdx.network.build import Network
from thighdx.network.spec import Floats


@pytest.fixture(scope="module")
def learned(small_model: Model) -> Learned:
    return small_model.learn(patients(small_model, 500), name="clinic_2026")


def row(learned: Learned, table: str, key: str) -> pd.Series:
    found = learned.changes
    return found[(found["table"] == table) & (found["key"] == key)].iloc[0]


def test_a_background_seen_alone_has_the_posterior_of_its_beta(small_model: Model) -> None:
    table = pd.DataFrame({"d_dimer": ["positive"] * 12 + ["negative"] * 28, "true_cause": "nerve"})
    found = row(small_model.learn(table, name="one"), "backgrounds", "d_dimer|positive")
    belief = small_model.compiled.pooled["backgrounds", ("d_dimer", "positive")].distribution.components[0]
    assert belief.family == "beta"
    exact = beta(belief.params[0] + 12, belief.params[1] + 28).ppf([0.05, 0.5, 0.95])
    assert found[["posterior_q05", "posterior_q50", "posterior_q95"]].tolist() == pytest.approx(
        exact, abs=CONJUGATE
    )
    assert [found["records"], found["credited"]] == pytest.approx([40, 12])


def test_no_record_changes_nothing(small_model: Model) -> None:
    empty = small_model.learn(small_model.simulate(0, seed=1), name="nobody")
    assert empty.model is small_model
    assert empty.changes.empty
    assert empty.without_record == tuple(small_model.causes)


def test_what_no_record_bears_on_keeps_its_bits(small_model: Model) -> None:
    table = patients(small_model, 200, truths=0.0)
    table = table[~table["true_clot"].astype(bool)]
    found = small_model.learn(table, name="no_clot")
    assert found.without_record == ("clot",)
    touched = {(t, *k.split("|")) for t, k in zip(found.changes["table"], found.changes["key"], strict=True)}
    still = [key for key in small_model.compiled.pooled if (key[0], *key[1]) not in touched]
    assert ("links", ("clot", "d_dimer", "positive")) in still
    assert ("shares", ("strain", "hospital")) in still
    for key in still:
        assert found.model.compiled.pooled[key].distribution == small_model.compiled.pooled[key].distribution


def test_neither_order_nor_batches_nor_form_change_the_tables(small_model: Model, learned: Learned) -> None:
    table = patients(small_model, 500)
    shuffled = small_model.learn(table.sample(frac=1.0, random_state=1), name="clinic_2026")
    batches = pa.Table.from_pandas(table, preserve_index=False).to_batches(max_chunksize=77)
    parts = small_model.learn(batches, name="clinic_2026")
    again = small_model.learn(lambda: iter(batches), name="clinic_2026")
    assert shuffled.model.digest == parts.model.digest == again.model.digest == learned.model.digest
    pd.testing.assert_frame_equal(shuffled.changes, learned.changes, check_exact=True)


def test_known_causes_may_come_as_counts(small_model: Model) -> None:
    table = patients(small_model, 200, truths=0.0)
    counts = combine(learn_counts(small_model, table[a : a + 70]) for a in range(0, 200, 70))
    from_counts, from_table = (small_model.learn(records, name="parts") for records in (counts, table))
    assert from_counts.model.digest == from_table.model.digest


def test_the_saved_tables_make_the_same_model_again(learned: Learned, tmp_path: Path) -> None:
    folder = learned.save(tmp_path / "mine")
    (folder / COMPILED_FILE).unlink()
    again = thighdx.read_model(folder)
    assert again.digest == learned.model.digest
    assert again.check() == ()
    case = {"tingling": True, "bruising": False}
    pd.testing.assert_series_equal(again.diagnose(case).posterior, learned.model.diagnose(case).posterior)


def test_trace_leads_from_a_posterior_to_counts_and_prior(learned: Learned) -> None:
    traced = learned.model.trace("nerve").set_index("key").loc["nerve|tingling|present"]
    found = row(learned, "links", "nerve|tingling|present")
    assert traced["corrected_by"] == "records:clinic_2026"
    assert "Records clinic_2026: 500 patients" in traced["citations"]
    assert (
        f"{found['records']:.1f} records, {found['credited']:.1f} credited; before 0.705 (0.597 to 0.798)"
        in traced["notes"]
    )
    assert traced["point"] == pytest.approx(found["posterior_q50"], rel=0.02)


def test_a_difference_of_models_lists_what_was_learned(small_model: Model, learned: Learned) -> None:
    found = diff_models(small_model.compiled, learned.model.compiled)
    assert not found.added
    assert not found.removed
    assert 0 < len(found.changed) <= len(learned.changes)


def test_the_version_tells_a_model_from_the_one_it_learned_from(small_model: Model, learned: Learned) -> None:
    assert (small_model.version, learned.model.version) == ("0.1.0", "0.1.0+clinic_2026")
    assert "0.1.0+clinic_2026 (" in repr(learned.model)


def test_a_second_update_starts_from_the_first(learned: Learned) -> None:
    second = learned.model.learn(patients(learned.model, 500, seed=4), name="clinic_2027")
    assert second.model.version.endswith("+clinic_2026.clinic_2027")
    first_row, second_row = (row(item, "shares", "nerve|clinic") for item in (learned, second))
    assert second_row["prior_q50"] == pytest.approx(first_row["posterior_q50"], rel=0.02)
    assert (
        second_row["posterior_q95"] - second_row["posterior_q05"]
        < first_row["posterior_q95"] - first_row["posterior_q05"]
    )
    assert second.model.name == learned.model.name == learned.before.name
    with pytest.raises(TableError, match="learned from records called 'clinic_2027' already"):
        second.model.learn(patients(learned.model, 5), name="clinic_2027")


def test_a_record_that_counts_half_is_worth_half(small_model: Model) -> None:
    table = patients(small_model, 200, truths=0.0)
    twice = small_model.learn(pd.concat([table, table]), name="w", weight=0.5)
    once = small_model.learn(table, name="w")
    names = ["posterior_q05", "posterior_q50", "posterior_q95", "records"]
    pd.testing.assert_frame_equal(twice.changes[names], once.changes[names], rtol=1e-6)


def test_small_counts_are_written_nowhere(small_model: Model) -> None:
    table = patients(small_model, 60, truths=0.0)
    found = small_model.learn(table, name="few", min_count=20)
    assert found.changes["credited"].dropna().min() >= 20
    assert found.changes["records"].dropna().min() >= 20
    notes = [r.note for r in found.model.compiled.kb.judgements if r.expert == "records:few"]
    written = [part for note in notes for part in note.split(";")[0].split(", ")]
    counts = [part.split()[0] for part in written]
    assert "<20" in counts
    assert all(float(count) >= 20 for count in counts if not count.startswith(("<", ">")))


def test_records_that_contradict_the_prior_are_reported(small_model: Model) -> None:
    table = pd.DataFrame({"d_dimer": ["positive"] * 90 + ["negative"] * 10, "true_cause": "nerve"})
    found = small_model.learn(table, name="odd")
    assert row(found, "backgrounds", "d_dimer|positive")["conflict"]
    assert "prior and records disagree" in found.summary()
    assert not row(
        small_model.learn(patients(small_model, 300), name="even"), "backgrounds", "d_dimer|positive"
    )["conflict"]


def test_unlabelled_records_add_to_what_labelled_ones_say(small_model: Model) -> None:
    table = patients(small_model, 800, truths=0.6)
    with_all = small_model.learn(table, name="all")
    without = small_model.learn(table, name="labelled", use_unlabelled=False)
    assert with_all.tally.unlabelled > 400
    assert dict(without.tally.left_out)["unlabelled"] == with_all.tally.unlabelled
    width = [item.changes["posterior_q95"] - item.changes["posterior_q05"] for item in (with_all, without)]
    assert (width[0] / width[1]).median() < 0.95


def test_contradictory_cumulative_rows_are_held_back_until_they_make_a_model(small_model: Model) -> None:
    # everyone with a strain has severe pain: what is learned of mild and of severe meets
    table = pd.DataFrame({"pain": ["severe"] * 400, "true_cause": "strain"})
    found = small_model.learn(table, name="severe")
    assert found.model.check() == ()


def test_registries_with_one_cause_each_still_make_a_model(small_model: Model) -> None:
    table = pd.DataFrame({"pain": ["mild"] * 3_000, "true_cause": ["strain", "nerve", "other_cause"] * 1_000})
    found = small_model.learn(table, name="registry")
    assert 1 < found.model.network.spec.shares[0].sum() < 1.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "Clinic 2026"}, "name: got 'Clinic 2026', expected lower-case"),
        ({"weight": 0.0}, "weight: got 0.0, expected a number above 0"),
        ({"folds": 1}, "folds: got 1, expected 2 or more"),
        ({"min_count": -1}, "min_count: got -1"),
    ],
)
def test_bad_arguments_are_refused(small_model: Model, options: dict[str, object], message: str) -> None:
    with pytest.raises(TableError, match=message):
        small_model.learn(small_model.simulate(5, seed=1), **{"name": "x", **options})  # type: ignore[arg-type]


def test_nothing_is_learned_where_no_truth_is_known(small_model: Model) -> None:
    with pytest.raises(TableError, match="none of 50 rows says what the causes were"):
        small_model.learn(patients(small_model, 50, truths=1.0), name="x")
    with pytest.raises(TableError, match="got an iterator, which can be read only once"):
        small_model.learn(iter([]), name="x")
    with pytest.raises(EvidenceError, match="shares were replaced by rebase"):
        small_model.rebase({"nerve": 0.35}).learn(patients(small_model, 5), name="x")


def moved_clinic(model: Model) -> tuple[Floats, Network]:
    """A clinic that differs from the model in two links, by a factor of three in their odds."""
    layout = layout_of(model)
    x = layout.point.copy()
    x[layout.keys.index(("links", ("nerve", "tingling_spreads", "present")))] -= np.log(3.0)
    x[layout.keys.index(("links", ("strain", "bruising", "present")))] += np.log(3.0)
    return x, network_of(model.compiled.kb, layout, x, model.max_causes)


def test_old_and_new_are_compared_on_records_neither_saw(small_model: Model) -> None:
    clinic = moved_clinic(small_model)[1]
    learned = small_model.learn(patients(small_model, 1_500, network=clinic), name="drawn", folds=4)
    held_out = learned.evaluate(patients(small_model, 1_500, seed=9, network=clinic, truths=0.0))
    assert learned.comparison is not None
    for found in (learned.comparison, held_out):
        assert found.difference == pytest.approx(found.log_score_new - found.log_score_old)
        assert found.lower < found.difference < found.upper
    assert held_out.verdict == "better"
    assert learned.comparison.verdict == "better"
    assert max(held_out.lower, learned.comparison.lower) < min(held_out.upper, learned.comparison.upper)
    few = small_model.learn(patients(small_model, 30, network=clinic), name="few", folds=3)
    assert few.comparison is not None
    assert few.comparison.verdict == "too few records to tell"
    assert "too few records to tell" in few.summary()


def test_patients_are_what_folds_and_intervals_go_by(small_model: Model) -> None:
    table = patients(small_model, 100, truths=0.0)
    doubled = pd.concat([table, table]).assign(person=list(range(100)) * 2)
    found = small_model.learn(doubled, name="x", folds=5, patient="person").comparison
    assert found is not None
    assert (found.n_records, found.n_patients) == (200, 100)


def test_more_patients_of_a_clinic_bring_the_model_nearer_to_it(small_model: Model) -> None:
    x, clinic = moved_clinic(small_model)
    layout = layout_of(small_model)
    moved = np.flatnonzero(x != layout.point)
    test = patients(small_model, 4_000, seed=1, network=clinic, truths=0.0)
    scores = []
    for n in (0, 100, 1_000):
        learned = small_model.learn(patients(small_model, n, network=clinic, findings=0.5), name="c")
        scores.append(learned.evaluate(test).log_score_new)
    assert scores == sorted(scores)
    for i in moved:
        found = row(learned, "links", "|".join(layout.keys[i][1]))
        median, truth, before = (
            found["posterior_q50"],
            from_working(x[i], "probability"),
            from_working(layout.point[i], "probability"),
        )
        assert not found["posterior_q05"] < before < found["posterior_q95"]
        assert abs(median - truth) < abs(median - before)
    still = learned.changes[~learned.changes["key"].isin(["|".join(layout.keys[i][1]) for i in moved])]
    inside = (still["posterior_q05"] <= still["prior_q50"]) & (still["prior_q50"] <= still["posterior_q95"])
    assert inside.mean() > 0.85


def test_drawn_judgements_rank_evenly_in_their_posteriors(small_model: Model) -> None:
    """Simulation-based calibration (Talts et al. 2018) at three ranks: judgements from priors, patients from these."""
    rng = np.random.default_rng(0)
    below = []
    for _ in range(50):
        x, network = drawn_network(small_model, rng)
        table = patients(small_model, 250, seed=int(rng.integers(2**31)), network=network)
        found = estimate(small_model, read_source(small_model, table, truth=None, setting="clinic"))
        below.append((x[:, None] < found.quantiles)[found.is_learned])
    assert np.concatenate(below).mean(axis=0) == pytest.approx([0.05, 0.5, 0.95], abs=CALIBRATED)


def test_two_panels_far_apart_are_weighed_by_the_records(tmp_path: Path) -> None:
    folder = kb_builder.write_model(tmp_path / "two")
    kb_builder.edit(
        folder,
        "model.yaml",
        "  - {id: review,",
        "  - {id: second, role: pooled, label: Another}\n  - {id: review,",
    )
    kb_builder.append(folder, "backgrounds.csv", "d_dimer,positive,second,0.4,0.5,0.6,,2026-01-31,desk,")
    model = thighdx.read_model(folder)
    table = pd.DataFrame({"d_dimer": ["positive"] * 52 + ["negative"] * 48, "true_cause": "nerve"})
    found = model.learn(table, name="x")
    note = next(
        r.note
        for r in found.model.compiled.kb.judgements
        if r.expert == "records:x" and r.key == ("d_dimer", "positive")
    )
    assert note.endswith("weights of those pooled 0.00 1.00")


def test_hidden_findings_are_hidden_at_random(small_model: Model) -> None:
    table = hidden(small_model.simulate(400, seed=2), seed=1, findings=0.5, truths=0.25)
    assert 0.4 < table["tingling"].isna().mean() < 0.6
    assert 0.15 < table["true_nerve"].isna().mean() < 0.35
