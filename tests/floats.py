"""Every tolerance of the test suite, each with the reason for its size."""

from __future__ import annotations

__all__ = [
    "BITS",
    "BY_HAND",
    "CALIBRATED",
    "CLOSES",
    "COMPILED",
    "COMPILED_RELATIVE",
    "CONJUGATE",
    "COVERAGE",
    "DISTRIBUTION",
    "DRAWN_LOG_ODDS",
    "EXACT_FIT",
    "EXPONENTIAL",
    "FINITE_DIFFERENCE",
    "FITTED_TWICE",
    "HALF_BELOW",
    "LEADING_DRAW",
    "LEAST_SQUARES",
    "LINK_FUNCTION",
    "MARGIN",
    "MIXTURE_QUANTILE",
    "OVERLAP",
    "PATH_INTEGRAL",
    "QUADRATURE",
    "REFERENCE_SOLVED",
    "REORDERED",
    "ROUND_TRIP",
    "SAME_BASE",
    "SAME_INTERVAL",
    "SAMPLED_SHARE",
    "SECOND_DIFFERENCE",
    "SMALLEST_RELATIVE",
    "SOLVED_TWICE",
    "SUMMED_APART",
    "SUMS_TO_ONE",
    "TINY_INTERVAL",
    "URGENCY_TURN",
]

# A distribution of a few dozen doubles, each rounded once: far below this, far above rounding.
SUMS_TO_ONE = 1e-12

# Numbers worked out by hand as exact fractions against sums of a handful of doubles.
BY_HAND = 1e-12

# Largest relative miss of a margin the reference accepts from its own Newton solver before it gives
# up; it usually reaches 1e-14, the slack is for states a thousand times rarer than their neighbors.
REFERENCE_SOLVED = 1e-11

# Margins recomputed along another path than the solver's, so its tolerance plus rounding.
MARGIN = 1e-10

# Tables and posteriors of two programs that each solved the base for themselves, relative: margins
# are met to 1e-9 of a probability, which is more than that of the value of a rare explanation.
SOLVED_TWICE = 1e-8

# The same numbers from one and the same base, relative, however small: sums of some dozens of logs
# between 0 and -100, each good to 2e-16 of its value, then one exponential.
SAME_BASE = 1e-12

# Elicitation. Incomplete beta and its inverse against scipy.stats: both are Boost, reached by
# different routes.
DISTRIBUTION = 1e-9

# quantile(cdf(x)) = x in relative terms: one inverse of the incomplete beta, then an exp.
ROUND_TRIP = 1e-6

# A two-piece fit reproduces what was stated up to the rounding of a logit and its inverse.
EXACT_FIT = 1e-9

# Least squares against scipy's own optimizer, which stops when the cost stands still (1e-15).
LEAST_SQUARES = 1e-5

# The same fit by two builds, which may differ in the last bit of every function they call: least
# squares are flat around their minimum, so parameters and medians are settled to some 1e-8 only, and
# the base that is solved from them no better.
FITTED_TWICE = 1e-7

# A mixture quantile against a root of the plain average of component probabilities.
MIXTURE_QUANTILE = 1e-8

# Share of 200,000 draws below a quantile: five standard errors of 0.0011.
SAMPLED_SHARE = 0.006

# Overlap summed over 256 bins against a fine integral.
OVERLAP = 0.01

# The compiled engine against the numpy engine: what it promises, absolute for posteriors and log evidence.
COMPILED = 1e-12

# The same relative to a posterior above the smallest one that is compared so: sums of a hundred logarithms between
# 0 and -100 in another order, so a hundred times their rounding of 1e-14, carried through one exponential.
COMPILED_RELATIVE = 1e-11
SMALLEST_RELATIVE = 1e-9

# Two units in the last place of the exponential of numpy, and as many of the sum of its two parts of ln 2.
EXPONENTIAL = 1e-15

# Decibans that contributions may miss the posterior log-odds by: what an explanation promises.
CLOSES = 1e-9

# Decibans of one contribution against adaptive quadrature of its own integral to 1e-10.
PATH_INTEGRAL = 1e-7

# Decibans of the same sums in another order, with logarithms of size 10 to 100.
REORDERED = 1e-10

# Gradients against central differences of 1e-5 with every base parameter solved again, relative above 1 and
# absolute below: margins met to 1e-14 of 1, some 1e-11 of a rare one, divided by the step.
FINITE_DIFFERENCE = 1e-5

# Half a spread of 0.09 times second differences of 4e-4, over some fifty judgements: base rates met to 1e-14 of a
# margin that may be a thousandth, divided by the square of the step.
SECOND_DIFFERENCE = 1e-5

# Bits of a gain against differences of entropies of posteriors that the engine worked out answer by answer.
BITS = 1e-11

# Posteriors interpolated between three values of one link against the gate itself: likelihoods near 0 are
# differences of numbers near 1.
LINK_FUNCTION = 1e-10

# The value at which the urgency jumps is closed in on by halving: to 0.1 % of odds.
URGENCY_TURN = 2e-3

# Log odds of a draw whose base rates were solved side by side, and of a network built from its numbers: margins
# are met to 1e-9 of a probability, which is more than that of the value of a rare explanation.
DRAWN_LOG_ODDS = 1e-6

# The same with 99.9 % of the posterior mass on either side of every cause, corrected at the medians.
LEADING_DRAW = 0.02

# Half of some 400,000 draws in 200 rows: five standard errors.
HALF_BELOW = 0.005

# Log odds of an end point of a nearly linear model: the expansion stops at the second order.
TINY_INTERVAL = 0.04

# Share of 2,000 draws inside an interval: three standard errors.
COVERAGE = 0.035

# Log odds of the end points of a credible interval, in a table and for the case alone: the same sums, but
# written down as probabilities, one of which may be near 1.
SAME_INTERVAL = 1e-9

# Sums of thousands of judgements that were grouped before they were squared, against one by one.
SUMMED_APART = 1e-10

# A belief times data by trapezoids on some 260 points of the working scale.
QUADRATURE = 3e-3

# Laplace's method and the Beta fitted to three quantiles against an exact posterior, absolute.
CONJUGATE = 0.004

# Share of some 1,500 draws below a quantile: two standard errors of 50 independent clinics.
CALIBRATED = 0.025
