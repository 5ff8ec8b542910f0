"""A model with a user's own shares of causes in the place of the elicited ones."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import replace

from thighdx.compiled.compiled_model import CompiledModel
from thighdx.errors import EvidenceError
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.network.rebase import rebase_parameters

__all__ = ["rebase_model"]


def rebase_model(
    compiled: CompiledModel,
    vocabulary: Vocabulary,
    shares: Mapping[str, float],
    *,
    setting: str,
    exclusive: bool,
) -> CompiledModel:
    """Return a model whose prior marginals in `setting` are the given shares; see `Model.rebase`."""
    for cause, share in shares.items():
        vocabulary.cause_idx(cause)
        is_number = isinstance(share, numbers.Real) and not isinstance(share, bool)
        if not is_number or not 0 < share < 1:
            raise EvidenceError(f"share of {cause}: got {share!r}, expected a probability in (0, 1)")
    if exclusive and sum(shares.values()) > 1 + 1e-9:
        total = sum(shares.values())
        raise EvidenceError(
            f"exclusive shares sum to {total:g}, expected at most 1: one diagnosis per patient"
        )
    rebased = {setting: dict(values) for setting, values in compiled.rebased.items()}
    row = compiled.spec.settings.index(setting)
    scale = float(compiled.spec.shares[row].sum()) if exclusive else 1.0
    named = {cause: float(share) * scale for cause, share in shares.items()}
    rebased[setting] = {**rebased.get(setting, {}), **named}
    try:
        spec, solved = rebase_parameters(compiled.spec, compiled.solved, rebased)
    except ValueError as error:
        raise EvidenceError(str(error)) from None
    return replace(compiled, spec=spec, solved=solved, rebased=rebased)
