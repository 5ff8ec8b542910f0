"""The lines of an explanation: what each piece of evidence says itself, and what by way of other causes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from thighdx.compiled.case import Case
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.evidence_terms import CaseTerms
from thighdx.reasoning.explain.comparison import Comparison
from thighdx.reasoning.explain.explanation import DECIBANS_PER_NAT, ExplanationLine, Via
from thighdx.reasoning.explain.provenance import judgements_behind
from thighdx.reasoning.explain.tempering import PathSum

__all__ = ["DIRECT_SHARE", "SMALL_DECIBANS", "explanation_lines"]

SMALL_DECIBANS = 0.1  # a contribution below is never marked: it changes the odds by 2 %
DIRECT_SHARE = 0.1  # a contribution of which less than this is direct comes by way of other causes


def explanation_lines(
    case: Case, terms: CaseTerms, item_idx: Sequence[int], comparison: Comparison, path: PathSum
) -> tuple[ExplanationLine, ...]:
    """Return one line per item, largest contribution first.

    Parameters
    ----------
    item_idx : sequence of int
        The items of `terms` that `path` has contributions of, in that order.
    """
    network, by_id, chosen = case.network, case.vocabulary.by_id, list(item_idx)
    direct = _direct(terms, comparison)[chosen] * DECIBANS_PER_NAT
    contributions = path.contributions * DECIBANS_PER_NAT
    is_indirect = _is_indirect(contributions, direct)
    inside, outside = np.zeros((2, len(chosen), len(network.spec.causes)))
    rows = np.flatnonzero(is_indirect)
    inside[rows], outside[rows] = _by_cause(network, terms, [chosen[r] for r in rows], comparison, path)
    causes = [network.spec.causes[c] for c in comparison.cause_idx]
    lines = []
    for row, i in enumerate(chosen):
        item = terms.items[i]
        via, other_idx = _via(contributions[row], inside[row], outside[row]) if is_indirect[row] else ("", -1)
        other = network.spec.causes[other_idx] if other_idx >= 0 else ""
        lines.append(
            ExplanationLine(
                variable=item.name,
                label=by_id[item.name].label,
                state=item.state,
                likelihood=dict(zip(by_id[item.name].states, item.likelihood)),  # noqa: B905  # none if known
                decibans=float(contributions[row]),
                direct_decibans=float(direct[row]) if np.isfinite(direct[row]) else None,
                via=via,
                other=other,
                judgements=judgements_behind(case, item, [*causes, *([other] if other else [])]),
            )
        )
    return tuple(sorted(lines, key=lambda line: -abs(line.decibans)))


def _direct(terms: CaseTerms, comparison: Comparison) -> Floats:
    """Return the direct weight of evidence of every item, in nats, as (n_items,).

    ln P(v | cause alone) - ln P(v | no cause at work), or less ln P(v | the other cause alone) in a contrast.
    The first sets are the single causes, in their order.
    """
    own = terms.log_alone[:, comparison.cause_idx[0]]
    other = terms.log_alone[:, comparison.cause_idx[1]] if comparison.is_contrast else terms.log_background
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(own - other, nan=0.0, posinf=np.inf, neginf=-np.inf))


def _by_cause(
    network: Network, terms: CaseTerms, item_idx: list[int], comparison: Comparison, path: PathSum
) -> tuple[Floats, Floats]:
    """Return what each cause accounts for on either side, twice (n_items, n_causes).

    The contribution of v is the mean of l_v(H) - l_v(no cause at work) over A less that over B, with the
    mean weights along the path; each set's part is divided equally among its members. The causes
    compared count 0.
    """
    sides = []
    share = network.membership / network.membership.sum(axis=1, keepdims=True)
    sides_of_path = (
        (comparison.inside, path.inside, 1.0),
        (comparison.outside, path.outside, -1.0),
    )
    for members, weights, sign in sides_of_path:
        kept = members & terms.is_possible
        with np.errstate(invalid="ignore"):
            rise = terms.log_alone[item_idx][:, kept] - terms.log_background[item_idx][:, None]
        # where the background is impossible no cause can be named
        rise = np.where(np.isfinite(rise), rise, 0.0)
        side = sign * (rise * weights) @ share[kept]
        side[:, list(comparison.cause_idx)] = 0.0
        sides.append(side)
    return sides[0], sides[1]


def _is_indirect(contributions: Floats, direct: Floats) -> npt.NDArray[np.bool_]:
    """Return which contributions do not come from the cause itself."""
    along = np.sign(contributions) * direct
    size = np.abs(contributions)
    return np.asarray((size >= SMALL_DECIBANS) & (along <= DIRECT_SHARE * size), dtype=np.bool_)


def _via(contribution: float, inside: Floats, outside: Floats) -> tuple[Via, int]:
    """Return how an indirect contribution comes about, and the cause it comes from most (-1: none)."""
    sign = 1.0 if contribution > 0 else -1.0
    along, away = int(np.argmax(sign * inside)), int(np.argmax(sign * outside))
    if sign * inside[along] > max(0.0, sign * outside[away]):
        return "companion", along
    other = away if sign * outside[away] > 0 else -1
    return ("rules_out_other" if sign > 0 else "points_to_other"), other
