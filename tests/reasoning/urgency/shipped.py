"""The shipped model asked with posteriors of one's own, and random cases for it."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import thighdx
from thighdx.kb.records import LEVELS

__all__ = ["CALM", "CAUSES", "KB", "SHIPPED", "VARIABLES", "Case", "cases", "rank", "rare"]

SHIPPED = thighdx.load_model()
KB = SHIPPED.compiled.kb
CAUSES = [cause.id for cause in SHIPPED.vocabulary.causes]
VARIABLES = SHIPPED.vocabulary.variables
# Enough is known of the complaint, and none of it is a warning sign.
CALM = {"bruising": "present", "numbness": "absent", "tingling": "absent"}

Case = tuple[dict[str, str], dict[str, float]]


def rank(level: str) -> int:
    """A level as a number."""
    return LEVELS.index(level)


def rare(**raised: float) -> dict[str, float]:
    """Posteriors at which no cause matters, but for those named."""
    return dict.fromkeys(CAUSES, 1e-6) | raised


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Blind evidence, mostly absent, with posteriors of any size."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.02, 0.1, 0.6, 0.9]))
    bent = draw(st.sampled_from([0.03, 0.1, 0.3, 0.5]))
    states = {
        v.id: v.states[0] if rng.random() > bent else str(rng.choice(v.states))
        for v in VARIABLES
        if rng.random() < density
    }
    posterior = 10 ** rng.uniform(-9, draw(st.sampled_from([-3.0, -1.5, 0.0])), len(CAUSES))
    return states, dict(zip(CAUSES, posterior.tolist(), strict=True))
