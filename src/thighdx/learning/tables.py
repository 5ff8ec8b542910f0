"""A posterior as tables of a knowledge base: one more expert, whose rows say how many records stand behind them."""

from __future__ import annotations

import datetime
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thighdx.compiled.compilation import compile_model
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.elicitation.distribution import from_working, to_working
from thighdx.elicitation.pool import Mixture, pooled_medians, pooled_quantiles
from thighdx.elicitation.rows import fit_rows
from thighdx.errors import TableError
from thighdx.kb.load import key_columns
from thighdx.kb.manifest import with_changes, with_experts
from thighdx.kb.records import Expert, Judgement
from thighdx.kb.tables import MANIFEST_FILE, with_rows
from thighdx.learning.estimate import Estimate
from thighdx.learning.shares import ROOM
from thighdx.network.assemble import assemble_spec
from thighdx.network.explanations import enumerate_explanations
from thighdx.network.gates import find_crossings
from thighdx.network.spec import Floats, NetworkSpec

__all__ = [
    "EXPERT_PREFIX",
    "LearnedRows",
    "check_name",
    "compile_learned",
    "learned_rows",
    "shown_count",
    "significant",
]

EXPERT_PREFIX = "records:"
LEVELS = (0.05, 0.5, 0.95)
DIGITS = 6  # of quantiles in a table
MOST_HALVINGS = 8


@dataclass(frozen=True, slots=True, eq=False)
class LearnedRows:
    """Rows ready to be written, in the order of the judgements that were learned.

    Attributes
    ----------
    judgement_idx : (n,) intp
    rows : tuple of n Judgement
    prior, posterior : (n, 3) float64
        5, 50 and 95 %, linear.
    n_held_back : int
        Numbers moved less far than the records say, because with others they would not make a model.
    """

    judgement_idx: np.ndarray[tuple[int], np.dtype[np.intp]]
    rows: tuple[Judgement, ...]
    prior: Floats
    posterior: Floats
    n_held_back: int


def check_name(compiled: CompiledModel, name: str) -> str:
    """Return the id of the expert that records of this name become.

    Raises
    ------
    TableError
        If the name cannot be an id, or the model has learned from records of this name before.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,80}", name):
        raise TableError(
            f"name: got {name!r}, expected lower-case letters, digits and _, such as clinic_2026"
        )
    expert = f"{EXPERT_PREFIX}{name}"
    if (
        expert in {item.id for item in compiled.kb.manifest.experts}
        or f"records_{name}" in compiled.kb.sources
    ):
        raise TableError(
            f"name: the model has learned from records called {name!r} already; choose another name"
        )
    return expert


def shown_count(count: float, min_count: float, *, of: float | None = None) -> str:
    """Write an expected count; a small one, or all of a whole but a few, only as such.

    Examples
    --------
    >>> shown_count(57.0, 5), shown_count(21.34, 5), shown_count(0.0, 5), shown_count(56.0, 5, of=57.0)
    ('57', '21.3', '<5', '>52')
    """
    if count < min_count:
        return f"<{min_count:g}"
    if of is not None and of - count < min_count:
        return f">{of - min_count:.1f}".removesuffix(".0")
    return f"{count:.1f}".removesuffix(".0")


def learned_rows(compiled: CompiledModel, found: Estimate, *, name: str, min_count: float) -> LearnedRows:
    """Turn posteriors into rows of the tables."""
    idx = np.flatnonzero(found.is_learned)
    is_odds = found.layout.is_odds_ratio[idx]
    prior = pooled_quantiles([found.layout.mixtures[i] for i in idx], LEVELS)
    wanted = found.quantiles[idx]
    share = np.ones(len(idx))  # of the way from prior to posterior
    for _ in range(MOST_HALVINGS):
        moved = _with_room(compiled, found, idx, _between(prior, wanted, share, is_odds))
        posterior = _rounded(moved, is_odds)
        rows = [
            _row(found, int(i), posterior[n], prior[n], name=name, min_count=min_count)
            for n, i in enumerate(idx.tolist())
        ]
        too_far = _too_far(compiled, found, idx, rows)
        if not too_far.any():
            break
        share[too_far] *= 0.5
    return LearnedRows(idx, tuple(rows), prior, posterior, int((share < 1).sum()))


def _between(prior: Floats, wanted: Floats, share: Floats, is_odds: np.ndarray) -> Floats:
    """Go a share of the way on the working scale; return linear values."""
    old = np.where(
        is_odds[:, None],
        to_working(prior, "odds_ratio"),
        to_working(np.where(is_odds[:, None], 0.5, prior), "probability"),
    )
    mixed = np.where(share[:, None] < 1, old + share[:, None] * (wanted - old), wanted)
    return np.where(is_odds[:, None], from_working(mixed, "odds_ratio"), from_working(mixed, "probability"))


def _with_room(compiled: CompiledModel, found: Estimate, idx: np.ndarray, values: Floats) -> Floats:
    """Scale the shares of a setting up where their medians sum to 1 or less: medians need not add up as means do."""
    layout, values = found.layout, values.copy()
    for setting, positions in enumerate(layout.shares):
        own = np.isin(idx, positions)
        kept = compiled.spec.shares[setting][~np.isin(positions, idx)].sum()
        total = values[own, 1].sum()
        if own.any() and kept + total < 1 + 2 * ROOM:
            values[own] *= (1 + 2 * ROOM - kept) / total
    return values


def significant(values: Floats) -> Floats:
    """Keep the digits of a table, which do not depend on how sums were rounded."""
    kept = [float(f"{value:.{DIGITS}g}") for value in values.ravel().tolist()]
    return np.array(kept).reshape(values.shape)


def _rounded(values: Floats, is_odds: np.ndarray) -> Floats:
    """Round to the digits of a table; near certainty, 1 - p keeps them."""
    is_near_one = (values > 0.5) & ~is_odds[:, None]
    return np.where(is_near_one, 1 - significant(1 - values), significant(values))


def _row(
    found: Estimate,
    i: int,
    posterior: Floats,
    prior: Floats,
    *,
    name: str,
    min_count: float,
) -> Judgement:
    """Write one number with its counts."""
    table, key = found.layout.keys[i]
    bearing = float(found.bearing[i])
    n, k = shown_count(bearing, min_count), shown_count(float(found.credited[i]), min_count, of=bearing)
    note = f"{n} records, {k} credited; before {prior[1]:.3g} ({prior[0]:.3g} to {prior[2]:.3g})"
    if i in found.weights:
        note += f"; weights of those pooled {' '.join(f'{w:.2f}' for w in found.weights[i])}"
    low, middle, high = (float(value) for value in posterior)
    date = datetime.date.today().isoformat()
    return Judgement(
        table, key, f"{EXPERT_PREFIX}{name}", (low, middle, high), "", date, (f"records_{name}",), note, 0
    )


def _too_far(
    compiled: CompiledModel, found: Estimate, idx: np.ndarray, rows: Sequence[Judgement]
) -> np.ndarray:
    """Say which numbers, fitted as they will be read, make no model together with others."""
    fits, _ = fit_rows(rows, tolerance=compiled.kb.manifest.fit_tolerance)
    medians = pooled_medians([Mixture((fit.distribution,)) for fit in fits if fit is not None])
    points = {key: item.point for key, item in compiled.pooled.items()}
    points.update(zip([found.layout.keys[i] for i in idx], medians.tolist(), strict=True))
    spec = assemble_spec(compiled.kb, points, max_causes=compiled.spec.max_causes)
    bad = set(_contradictions(spec, found))
    return np.array([int(i) in bad for i in idx], dtype=np.bool_)


def _contradictions(spec: NetworkSpec, found: Estimate) -> Iterable[int]:
    """Yield the judgements of findings whose rows cross, and of shares and frequencies that add up to too much."""
    layout = found.layout
    explanations = enumerate_explanations(len(spec.causes), spec.max_causes)
    for position, finding in enumerate(spec.findings):
        falls = np.all(np.diff(finding.background) <= 0)
        if len(finding.states) > 2 and (not falls or find_crossings(finding, explanations)):
            yield from layout.links[position].ravel().tolist()
            yield from layout.backgrounds[position].tolist()
    for setting, shares in enumerate(spec.shares):
        if not 1 < shares.sum() < spec.max_causes:
            yield from layout.shares[setting].tolist()
    for position, context in enumerate(spec.contexts):
        for row in np.flatnonzero(context.frequency.min(axis=1) < 0):
            yield from layout.frequencies[position][row].tolist()


def compile_learned(
    compiled: CompiledModel, learnt: LearnedRows, found: Estimate, *, name: str, setting: str
) -> CompiledModel:
    """Return the model of the tables with the new rows, read and solved as `thighdx model build` does."""
    files = _files(compiled, learnt.rows, _source(found, name, setting), name)
    with tempfile.TemporaryDirectory(prefix="thighdx-") as folder:
        for file, text in files.items():
            (Path(folder) / file).write_text(text, encoding="utf-8", newline="")
        return compile_model(folder)


def _source(found: Estimate, name: str, setting: str) -> Mapping[str, str]:
    """Describe the records as a source; their number, never one of them."""
    tally = found.counts.tally
    citation = (
        f"Records {name}: {tally.n_used:,} patients, the causes known of {tally.complete:,}, in part of "
        f"{tally.partial:,}; expected counts, no record is stored"
    )
    return {
        "id": f"records_{name}",
        "kind": "records",
        "citation": citation,
        "year": str(datetime.date.today().year),
        "locator": f"setting {setting} unless a record said otherwise",
        "verified": "no",
        "note": "posterior of what the model held before, as 5, 50 and 95 %",
    }


def _files(
    compiled: CompiledModel, rows: Sequence[Judgement], source: Mapping[str, str], name: str
) -> dict[str, str]:
    """Return the text of every file with the new rows, the new source and the new expert."""
    files = {file: content.decode("utf-8-sig") for file, content in compiled.kb.files.items()}
    manifest = with_changes(files[MANIFEST_FILE], max_causes=compiled.spec.max_causes, rebased={})
    label = f"Records {name}: what became of the numbers in their light"
    expert = Expert(f"{EXPERT_PREFIX}{name}", "records", label)
    before = compiled.kb.manifest.version
    version = f"{before}{'.' if '+' in before else '+'}{name}"
    files[MANIFEST_FILE] = with_experts(manifest, [expert], version=version)
    added: dict[str, list[Mapping[str, object]]] = {"sources": [source]}
    for row in rows:
        assert row.quantiles is not None
        cells = dict(zip(key_columns(row.table), row.key, strict=True)) | {
            "expert": row.expert, "date": row.date, "sources": ";".join(row.sources), "note": row.note,
        }  # fmt: skip
        cells |= zip(("q05", "q50", "q95"), map(repr, row.quantiles), strict=True)
        added.setdefault(row.table, []).append(cells)
    return files | {f"{table}.csv": with_rows(files[f"{table}.csv"], lines) for table, lines in added.items()}
