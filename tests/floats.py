"""Every tolerance of the test suite, each with the reason for its size."""

from __future__ import annotations

__all__ = ["BY_HAND", "MARGIN", "REFERENCE_SOLVED", "SUMS_TO_ONE"]

# A distribution of a few dozen doubles, each rounded once: far below this, far above rounding.
SUMS_TO_ONE = 1e-12

# Numbers worked out by hand as exact fractions against sums of a handful of doubles.
BY_HAND = 1e-12

# Largest relative miss of a margin the reference accepts from its own Newton solver before it gives
# up; it usually reaches 1e-14, the slack is for states a thousand times rarer than their neighbors.
REFERENCE_SOLVED = 1e-11

# Margins recomputed along another path than the solver's, so its tolerance plus rounding.
MARGIN = 1e-10
