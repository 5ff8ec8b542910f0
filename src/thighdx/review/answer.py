"""An answer and the distribution fitted to it, side by side, as experts know it from SHELF [1]_.

References
----------
.. [1] Oakley JE, O'Hagan A. SHELF: the Sheffield Elicitation Framework. School of Mathematics and Statistics,
   University of Sheffield.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from thighdx.elicitation.distribution import Distribution
from thighdx.elicitation.fit import Fit, fit_quantiles
from thighdx.elicitation.pool import Mixture
from thighdx.html.render import render
from thighdx.text import in_words

__all__ = ["Answer", "picture"]

Belief: TypeAlias = "Distribution | Mixture"

WIDTH, HEIGHT, N_BINS = 300.0, 46.0, 60
FURTHEST = 0.99  # quantile up to which a density is drawn


@dataclass(frozen=True)
class Answer:
    """Three numbers an expert gives: what is almost surely exceeded (95 %), as likely as not, almost surely not.

    Shown in a notebook, it draws the distribution fitted to them, so that whoever answered sees what else was said.

    Attributes
    ----------
    low, middle, high : float
        5, 50 and 95 %.
    of : int
        Of how many patients; 0: they are odds ratios.

    Raises
    ------
    ValueError
        Unless they rise, and lie between 0 and `of` (odds ratios: above 0).

    Examples
    --------
    >>> Answer(10, 20, 35)
    said 10 / 20 / 35 of 100; fitted beta, 5 / 50 / 95%: 9.9 / 20 / 35; half of the belief lies between 16 and 26
    """

    low: float
    middle: float
    high: float
    of: int = 100

    @cached_property
    def fit(self) -> Fit:
        """The distribution beside what was said."""
        scale = float(self.of or 1)
        stated = [[self.low / scale, self.middle / scale, self.high / scale]]
        return fit_quantiles(stated, scale="probability" if self.of else "odds_ratio")[0]

    def __post_init__(self) -> None:
        """Refuse what no distribution has."""
        _ = self.fit

    def __repr__(self) -> str:
        """Return what was said, what was fitted, and the middle half of it."""
        scale = self.of or 1
        said = " / ".join(f"{value:g}" for value in (self.low, self.middle, self.high))
        fitted = " / ".join(f"{scale * value:.2g}" for value in self.fit.fitted)
        inner = " and ".join(
            f"{scale * v:.2g}" for v in self.fit.distribution.quantile([0.25, 0.75]).tolist()
        )
        unit = f"of {self.of:,}" if self.of else "times the odds"
        family = in_words(self.fit.distribution.family)
        return (
            f"said {said} {unit}; fitted {family}, 5 / 50 / 95%: {fitted}; "
            f"half of the belief lies between {inner}"
        )

    def _repr_html_(self) -> str:
        """Return the picture for notebooks."""
        said = tuple(value / (self.of or 1) for value in (self.low, self.middle, self.high))
        data = {
            "picture": picture({"fitted": self.fit.distribution}, self.of, said=said),
            "words": repr(self),
        }
        return render("review_answer", data)


def picture(beliefs: Mapping[str, Belief], of: int, *, said: tuple[float, ...] = ()) -> dict[str, Any]:
    """Return densities on one axis, ready for a template.

    Parameters
    ----------
    beliefs : mapping of str to distribution
        Linear; a judgement of never has no density.
    of : int
        Of how many patients the axis is; 0 for odds ratios, on a logarithmic axis.
    said : tuple of float
        What was stated, drawn as marks under the axis.
    """
    drawn = {name: belief for name, belief in beliefs.items() if not belief.is_never}
    ends = [belief.quantile([1 - FURTHEST, FURTHEST]).tolist() for belief in drawn.values()] or [[0.0, 1.0]]
    low, high = min([e[0] for e in ends] + list(said)), max([e[1] for e in ends] + list(said))
    low = 0.0 if of and low < 0.5 * high else low
    edges = np.linspace(low, high, N_BINS + 1) if of else np.geomspace(low, high, N_BINS + 1)
    curves = []
    for name, belief in drawn.items():
        mass = np.diff(belief.cdf(edges))
        peak = float(mass[1:].max()) or 1.0  # a Beta may be infinite at 0
        heights = HEIGHT - (HEIGHT - 4) * np.minimum(mass / peak, 1.0)
        x = (np.arange(N_BINS) + 0.5) / N_BINS * WIDTH
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, heights, strict=True))
        curves.append({"name": name, "points": f"0,{HEIGHT} {points} {WIDTH},{HEIGHT}"})
    working = (lambda v: v) if of else np.log
    span = float(working(high) - working(low)) or 1.0
    marks = [round(float((working(value) - working(low)) / span) * WIDTH, 1) for value in said]
    scale = of or 1
    labels = [f"{scale * low:.3g}", f"{scale * high:.3g}", f"of {of:,}" if of else "times the odds"]
    return {"curves": curves, "marks": marks, "low": labels[0], "high": labels[1], "unit": labels[2]}
