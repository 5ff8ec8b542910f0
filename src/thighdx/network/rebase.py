"""Other shares of causes on top of solved parameters; contexts keep their tables given the causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from thighdx.network.build import SolvedParameters, solve_shares
from thighdx.network.explanations import enumerate_explanations
from thighdx.network.solve import MARGIN_TOLERANCE
from thighdx.network.spec import NetworkSpec

__all__ = ["Shares", "rebase_parameters"]

Shares = Mapping[str, Mapping[str, float]]
"""P(cause present | complaint) by setting and cause."""


def rebase_parameters(
    spec: NetworkSpec, solved: SolvedParameters, rebased: Shares
) -> tuple[NetworkSpec, SolvedParameters]:
    """Put shares in place of the elicited ones; causes not named keep theirs.

    Raises
    ------
    ValueError
        If the shares of a setting cannot hold together.
    """
    shares, theta = spec.shares.copy(), solved.theta.copy()
    explanations = enumerate_explanations(len(spec.causes), spec.max_causes)
    for setting, named in rebased.items():
        row = spec.settings.index(setting)
        for cause, share in named.items():
            shares[row, spec.causes.index(cause)] = share
        total = float(shares[row].sum())
        if not 1 < total < spec.max_causes:
            raise ValueError(
                f"shares in {setting} sum to {total:.4f} with those not named, expected more than 1 and less "
                f"than max_causes = {spec.max_causes}; name other causes too, or use exclusive=True for a "
                f"registry with one diagnosis per patient"
            )
        if shares[row].max() >= 1:
            cause = spec.causes[int(shares[row].argmax())]
            raise ValueError(
                f"share of {cause} in {setting} comes to {shares[row].max():.4f}, expected less than 1"
            )
        theta[row], error = solve_shares(spec, explanations, shares[row])
        if error > MARGIN_TOLERANCE:
            raise ValueError(f"shares in {setting} cannot hold together (closest is off by {error:.2g})")
    return replace(spec, shares=shares), replace(solved, theta=theta)
