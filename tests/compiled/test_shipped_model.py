"""The shipped model: its compiled file is fresh, and the solved network gives back what was elicited."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

import floats
from places import SMALL
from thighdx import packed
from thighdx.compiled import stored as compiled_file
from thighdx.compiled.compilation import check_compiled, compile_model
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.compiled.stored import load_compiled
from thighdx.kb.resources import model_path, shipped_models
from thighdx.model import Model
from thighdx.network.tables import setting_tables

FOLDERS = [SMALL, *map(model_path, sorted(shipped_models()))]


@pytest.fixture(scope="module")
def fresh() -> CompiledModel:
    """The shipped tables, read, fitted and solved here and now."""
    return compile_model(model_path("posterior_thigh"))


# ---- the shipped file -------------------------------------------------------------------------------


def test_the_shipped_compiled_file_belongs_to_the_shipped_tables(fresh: CompiledModel) -> None:
    plain, _ = packed.unpack((model_path("posterior_thigh") / "compiled.bin").read_bytes())
    found = plain["tables"], plain["code"]
    assert found == (fresh.kb.digest, compiled_file.code_digest()), (
        "run: thighdx model build models/posterior_thigh"
    )


def test_the_shipped_compiled_file_holds_what_a_fresh_build_gives(fresh: CompiledModel) -> None:
    shipped = load_compiled(model_path("posterior_thigh"))
    assert shipped is not None, "run: thighdx model build models/posterior_thigh"
    assert set(shipped.pooled) == set(fresh.pooled)
    for key, item in fresh.pooled.items():
        stored = shipped.pooled[key]
        assert stored.point == pytest.approx(item.point, rel=floats.FITTED_TWICE, abs=0), key
        assert stored.rows == item.rows
        assert stored.corrected_by == item.corrected_by
        assert len(stored.experts) == len(item.experts)
        for old, new in zip(stored.experts, item.experts, strict=True):
            assert (old.expert, old.is_filled) == (new.expert, new.is_filled)
            assert old.distribution.family == new.distribution.family
            assert old.distribution.params == pytest.approx(
                new.distribution.params, rel=floats.FITTED_TWICE, abs=floats.FITTED_TWICE
            )
    logs = [(shipped.solved.theta, fresh.solved.theta)]
    for old_setting, new_setting in zip(shipped.solved.factors, fresh.solved.factors, strict=True):
        logs += zip(old_setting, new_setting, strict=True)
    for old, new in logs:
        assert old == pytest.approx(new, rel=floats.FITTED_TWICE, abs=floats.FITTED_TWICE)


def test_every_fitted_parameter_is_a_finite_number(fresh: CompiledModel) -> None:
    assert np.isfinite(fresh.solved.theta).all()
    for item in fresh.pooled.values():
        assert math.isfinite(item.point)
        assert all(math.isfinite(value) for belief in item.experts for value in belief.distribution.params)


# ---- prior marginals equal the elicited medians ------------------------------------------------------


def test_shares_of_the_network_are_the_elicited_medians_in_every_setting(model: Model) -> None:
    points = {key: item.point for (table, key), item in model.compiled.pooled.items() if table == "shares"}
    assert len(points) == 49 * 5
    for row, setting in enumerate(model.settings):
        prior = np.exp(model.network.log_prior(row))
        assert prior.sum() == pytest.approx(1, abs=floats.SUMS_TO_ONE)
        shares = dict(zip(model.causes, prior @ model.network.membership, strict=True))
        assert shares == pytest.approx(
            {cause: points[cause, setting] for cause in model.causes}, rel=0, abs=1e-9
        )


def test_frequencies_of_every_context_and_pathology_are_the_elicited_medians_in_every_setting(
    model: Model,
) -> None:
    points = {k: item.point for (table, k), item in model.compiled.pooled.items() if table == "frequencies"}
    seen = set()
    for row, setting in enumerate(model.settings):
        tables = setting_tables(model.network, row)
        prior = np.exp(tables.log_prior)
        margins: dict[tuple[str, str], float] = {}
        for v, context in enumerate(model.network.spec.contexts):
            first = tables.row_offset[v]
            if first >= 0:
                found = np.exp(tables.rows[first : first + len(context.states)]) @ prior
                margins |= {(context.id, s): float(p) for s, p in zip(context.states, found, strict=True)}
        for joint in tables.joints:
            cell = joint.probability @ prior
            for member, v in enumerate(joint.variable_idx):
                context = model.network.spec.contexts[v]
                for s, state in enumerate(context.states):
                    margins[context.id, state] = float(cell[joint.cells[:, member] == s].sum())
        assert len({name for name, _ in margins}) == 49
        for (name, state), value in margins.items():
            if (name, state, setting) in points:
                assert value == pytest.approx(points[name, state, setting], rel=0, abs=1e-9), (
                    name,
                    state,
                    setting,
                )
                seen.add((name, state, setting))
    assert seen == set(points)


def test_the_demographic_block_leaves_out_exactly_the_impossible(model: Model) -> None:
    (joint,) = setting_tables(model.network, 1).joints
    names = [model.network.variable_ids[v] for v in joint.variable_idx]
    assert set(names) == {"age_band", "sex", "pregnancy", "postpartum", "estrogen_therapy"}
    members = [model.variables[name] for name in names]
    kept = {tuple(v.states[s] for v, s in zip(members, cell, strict=True)) for cell in joint.cells.tolist()}

    def is_possible(cell: dict[str, str]) -> bool:
        pregnant, after_birth = cell["pregnancy"] != "none", cell["postpartum"] == "present"
        old, male = cell["age_band"] in ("65-79", "80+"), cell["sex"] == "male"
        return not ((pregnant or after_birth) and (old or male)) and not (pregnant and after_birth)

    every = itertools.product(*(v.states for v in members))
    assert kept == {cell for cell in every if is_possible(dict(zip(names, cell, strict=True)))}


def test_one_cause_alone_reproduces_its_elicited_row_also_below_the_background(model: Model) -> None:
    points = model.compiled.pooled
    below = 0
    for (table, key), item in points.items():
        if table != "links":
            continue
        cause, name, state = key
        finding = model.variables[name]
        position = list(model.causes).index(cause)  # single causes come first among the explanations
        v = model.network.variable_ids.index(name)
        start = model.network.state_offset[v] + finding.states.index(state)
        rows = np.exp(
            model.network.finding_rows[start : model.network.state_offset[v] + len(finding.states), position]
        )
        assert rows.sum() == pytest.approx(item.point, rel=1e-9, abs=1e-15), key
        below += item.point < points["backgrounds", (name, state)].point
    assert below > 100


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_model_that_comes_along_loads_checks_and_compiles(folder: Path, fresh: CompiledModel) -> None:
    compiled = fresh if folder == model_path("posterior_thigh") else compile_model(folder)
    assert check_compiled(compiled) == []
    result = Model(compiled).diagnose({})
    assert result.posterior.between(0, 1).all()
