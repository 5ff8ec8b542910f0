"""Thousands of judgements at once, as many as the shipped model has: fitted, then pooled."""

from __future__ import annotations

import numpy as np
from scipy import special

from thighdx.elicitation import Mixture, fit_quantiles, pooled_quantiles

LEVELS = (0.05, 0.5, 0.95)


def test_fits(benchmark) -> None:
    rng = np.random.default_rng(7)
    middle = rng.normal(-1, 2, 6_300)
    below, above = rng.uniform(0.2, 1.5, (2, 6_300))
    stated = special.expit(np.stack([middle - below, middle, middle + above], axis=1))
    fits = benchmark(fit_quantiles, stated, scale="probability")
    assert len(fits) == len(stated)


def test_mixtures(benchmark) -> None:
    quantiles = np.sort(np.random.default_rng(5).uniform(0.001, 0.999, (6_000, 3)), axis=1)
    fits = fit_quantiles(quantiles, scale="probability")
    pairs = zip(fits[::2], fits[1::2], strict=True)
    mixtures = [Mixture((one.distribution, other.distribution)) for one, other in pairs]
    found = benchmark(pooled_quantiles, mixtures, LEVELS)
    assert (np.diff(found, axis=1) > 0).all()
