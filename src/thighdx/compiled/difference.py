"""Two versions of a model side by side: which judgements changed, and how given cases move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from thighdx.compiled.case_difference import CaseDifference, ComparedCase, compare_cases
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.elicitation.judgements import PooledKey
from thighdx.elicitation.pool import pooled_quantiles
from thighdx.kb.records import JudgementTable, Key
from thighdx.plain import Plain
from thighdx.text import counted, exact_percent, percent

__all__ = ["Belief", "JudgementChange", "ModelDifference", "diff_models"]

LEVELS = (0.05, 0.5, 0.95)
# Relative: least squares stops within 1e-8 of the optimum, on which side depends on the other rows fitted.
SAME_BELIEF = 1e-6
SHOWN_MOVE = 0.0005  # of a posterior, in the printed summary; the data hold every move


@dataclass(frozen=True, slots=True)
class Belief(Plain):
    """A pooled judgement in numbers: its point and its 5, 50 and 95 % quantiles (linear)."""

    point: float
    quantiles: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class JudgementChange(Plain):
    """A judgement that differs; `old` or `new` is None where only one model has it."""

    table: JudgementTable
    key: Key
    old: Belief | None
    new: Belief | None


@dataclass(frozen=True, slots=True, repr=False)
class ModelDifference(Plain):
    """What differs between an old and a new model.

    Attributes
    ----------
    old, new : str
        Name, version and digest.
    changed, added, removed : tuple of JudgementChange
        Judgements whose distribution changed, that are new, that are gone; in table order.
    reworded : tuple of (table, key)
        Judgements with the same distribution but other rows: experts, sources, dates, notes.
    files : tuple of str
        Files of the knowledge base whose text differs.
    notes : tuple of str
        Differences that are no judgement: causes, variables, settings, replaced shares.
    cases : tuple of CaseDifference
        The case that moves most first; cases that one model cannot score at the end.
    """

    old: str
    new: str
    changed: tuple[JudgementChange, ...]
    added: tuple[JudgementChange, ...]
    removed: tuple[JudgementChange, ...]
    reworded: tuple[PooledKey, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]
    cases: tuple[CaseDifference, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the models say the same; their texts may differ."""
        return not (self.changed or self.added or self.removed or self.notes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        reworded = [{"table": table, "key": list(key)} for table, key in self.reworded]
        return Plain.to_dict(self) | {"reworded": reworded}

    def to_frame(self) -> pd.DataFrame:
        """Return the judgements that differ as a table, one row each."""
        rows = []
        for kind, items in (("changed", self.changed), ("added", self.added), ("removed", self.removed)):
            for item in items:
                row: dict[str, object] = {"kind": kind, "table": item.table, "key": "|".join(item.key)}
                for side, belief in (("old", item.old), ("new", item.new)):
                    low, _, high = (np.nan, np.nan, np.nan) if belief is None else belief.quantiles
                    row |= {side: np.nan if belief is None else belief.point}
                    row |= {f"{side}_q05": low, f"{side}_q95": high}
                rows.append(row)
        sides = [f"{side}{suffix}" for side in ("old", "new") for suffix in ("", "_q05", "_q95")]
        return pd.DataFrame(rows, columns=["kind", "table", "key", *sides])

    def __repr__(self) -> str:
        """Return the differences as text, the cases with what moves most."""
        lines = [f"{self.old} -> {self.new}", *self.notes]
        lines += [f"{c.table} {'|'.join(c.key)}: {_shown(c.old)} -> {_shown(c.new)}" for c in self.changed]
        lines += [f"{c.table} {'|'.join(c.key)}: new, {_shown(c.new)}" for c in self.added]
        lines += [f"{c.table} {'|'.join(c.key)}: gone, was {_shown(c.old)}" for c in self.removed]
        if self.reworded:
            lines.append(
                f"{counted(len(self.reworded), 'judgement')} with the same numbers but other sources or notes"
            )
        if self.is_empty:
            lines.append("no judgement differs")
        n_still = 0
        for case in self.cases:
            lead = "" if case.old_leader == case.new_leader else f" [{case.old_leader} -> {case.new_leader}]"
            moved = ", ".join(
                f"{m.cause} {percent(m.old)} -> {percent(m.new)}"
                for m in case.moves[:3]
                if abs(m.old - m.new) >= SHOWN_MOVE
            )
            if case.problem or moved or lead:
                lines.append(f"case {case.id}{lead}: {case.problem or moved or 'hardly moves'}")
            else:
                n_still += 1
        if n_still:
            lines.append(
                f"{n_still} of {len(self.cases)} cases do not move by {exact_percent(SHOWN_MOVE)} or more"
            )
        return "\n".join(lines)


def _shown(belief: Belief | None) -> str:
    """Write a belief for reading."""
    if belief is None:
        return "none"
    return f"{belief.point:.3g} ({belief.quantiles[0]:.3g} to {belief.quantiles[2]:.3g})"


def diff_models(
    old: CompiledModel, new: CompiledModel, cases: Sequence[ComparedCase] = ()
) -> ModelDifference:
    """Compare two compiled models.

    Parameters
    ----------
    old, new : CompiledModel
    cases : sequence of ComparedCase
        Asked of both. A case that one of them cannot score (a variable it does not have, evidence that is
        impossible for it) is listed with the reason.
    """
    shared = [key for key in old.pooled if key in new.pooled]
    changed = _changed(old, new, shared)
    same = set(shared) - set(changed)
    added = [key for key in new.pooled if key not in old.pooled]
    removed = [key for key in old.pooled if key not in new.pooled]
    before, after = _beliefs(old, [*changed, *removed]), _beliefs(new, [*changed, *added])
    files = sorted(set(old.kb.files) | set(new.kb.files))

    def change(key: PooledKey) -> JudgementChange:
        return JudgementChange(*key, before.get(key), after.get(key))

    return ModelDifference(
        old=_title(old),
        new=_title(new),
        changed=tuple(change(key) for key in changed),
        added=tuple(change(key) for key in added),
        removed=tuple(change(key) for key in removed),
        reworded=tuple(key for key in shared if key in same and _words(old, key) != _words(new, key)),
        files=tuple(file for file in files if old.kb.files.get(file) != new.kb.files.get(file)),
        notes=tuple(_notes(old, new)),
        cases=compare_cases(old, new, cases) if cases else (),
    )


def _changed(old: CompiledModel, new: CompiledModel, keys: Sequence[PooledKey]) -> list[PooledKey]:
    """Return the keys whose belief differs by more than two fits of the same statement do."""
    before, after = (
        pooled_quantiles([model.pooled[key].distribution for key in keys], LEVELS) for model in (old, new)
    )
    is_same = np.isclose(before, after, rtol=SAME_BELIEF, atol=0.0)
    return [key for key, same in zip(keys, is_same, strict=True) if not same.all()]


def _title(model: CompiledModel) -> str:
    """Name a model."""
    return f"{model.kb.manifest.name} {model.kb.manifest.version} ({model.kb.digest[:12]})"


def _beliefs(model: CompiledModel, keys: Sequence[PooledKey]) -> dict[PooledKey, Belief]:
    """Read points and quantiles of some judgements."""
    quantiles = pooled_quantiles([model.pooled[key].distribution for key in keys], LEVELS).tolist()
    return {
        key: Belief(model.pooled[key].point, (low, median, high))
        for key, (low, median, high) in zip(keys, quantiles, strict=True)
    }


def _words(model: CompiledModel, key: PooledKey) -> list[tuple[object, ...]]:
    """Return everything the rows of a judgement say besides where they stand."""
    return [(r.expert, r.quantiles, r.statement, r.date, r.sources, r.note) for r in model.pooled[key].rows]


def _notes(old: CompiledModel, new: CompiledModel) -> list[str]:
    """Say what differs besides judgements."""
    notes = []
    for what, before, after in (
        ("causes", old.spec.causes, new.spec.causes),
        ("settings", old.spec.settings, new.spec.settings),
        ("variables", _variables(old), _variables(new)),
    ):
        gone, come = [x for x in before if x not in after], [x for x in after if x not in before]
        notes += [f"{what} gone: {', '.join(gone)}"] if gone else []
        notes += [f"{what} new: {', '.join(come)}"] if come else []
    if old.spec.max_causes != new.spec.max_causes:
        notes.append(f"max_causes {old.spec.max_causes} -> {new.spec.max_causes}")
    before_shares, after_shares = _own_shares(old), _own_shares(new)
    for place in sorted(before_shares.keys() | after_shares.keys()):
        a, b = before_shares.get(place), after_shares.get(place)
        if a != b:
            shown = ["elicited" if value is None else f"{value:.4g}" for value in (a, b)]
            notes.append(f"replaced share of {place[0]} in {place[1]}: {shown[0]} -> {shown[1]}")
    return notes


def _variables(model: CompiledModel) -> tuple[str, ...]:
    """List variables with their states."""
    named = [(context.id, context.states) for context in model.spec.contexts]
    named += [(finding.id, finding.states) for finding in model.spec.findings]
    return tuple(f"{name} ({'|'.join(states)})" for name, states in named)


def _own_shares(model: CompiledModel) -> dict[tuple[str, str], float]:
    """Return the shares that a user put in place of elicited ones."""
    return {
        (cause, setting): float(model.spec.shares[row, column])
        for row, setting in enumerate(model.spec.settings)
        for column, cause in enumerate(model.spec.causes)
        if model.spec.shares[row, column] != model.pooled["shares", (cause, setting)].point
    }
