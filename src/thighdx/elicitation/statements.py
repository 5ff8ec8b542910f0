"""Judgements in words of their own: counts, a mean, a range, a word of a scale, `never`.

==============================================  ================================================
statement                                       read as
==============================================  ================================================
``k=3 n=20``                                    Beta(k + 1/2, n - k + 1/2) (Jeffreys)
``mean=0.2 ess=30``                             Beta(mean * ess, (1 - mean) * ess)
``low=0.1 best=0.2 high=0.3 confidence=0.9``    quantiles (1 - c)/2, 1/2, (1 + c)/2, then fitted
``scale=eu-smpc-2009 word=common``              the word's range as low and high, then fitted
``never``                                       the certainty of 0
==============================================  ================================================

Counts, means and words are about frequencies; an odds ratio takes a range or `never`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from thighdx.elicitation.distribution import Distribution, Scale
from thighdx.elicitation.fit import Fit, fit_quantiles
from thighdx.elicitation.scales import VERBAL_SCALES
from thighdx.errors import ThighdxError, nearest_hint

__all__ = ["Statement", "StatementError", "fit_statement", "parse_statement"]

NEVER = Distribution("point", (0.0,))

_FORMS: dict[frozenset[str], str] = {
    frozenset({"k", "n"}): "k=3 n=20",
    frozenset({"mean", "ess"}): "mean=0.2 ess=30",
    frozenset({"low", "best", "high", "confidence"}): "low=0.1 best=0.2 high=0.3 confidence=0.9",
    frozenset({"scale", "word"}): "scale=eu-smpc-2009 word=common",
}
_FIELDS = sorted(set().union(*_FORMS))
_ODDS_RATIO_FORMS = "low=, best=, high= and confidence=, or never, or the columns q05, q50, q95"
_PAIR = re.compile(r"(\w+)\s*=\s*(.*?)(?=\s+\w+\s*=|$)")


class StatementError(ThighdxError, ValueError):
    """A statement cannot be read; says what was got, what was expected and what is near."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement read: either a finished distribution, or quantiles still to be fitted."""

    distribution: Distribution | None
    quantiles: tuple[float, float, float] | None = None
    levels: tuple[float, float, float] | None = None


def parse_statement(text: str, *, scale: Scale) -> Statement:
    """Read a statement; ranges and words come back as quantiles, to be fitted together with others.

    Parameters
    ----------
    text : str
        One of the forms of this module.
    scale : {"probability", "odds_ratio"}
        What the statement is about.

    Returns
    -------
    Statement

    Raises
    ------
    StatementError
        If the form, a number or a word is not one of those known.

    Examples
    --------
    >>> parse_statement("k=3 n=20", scale="probability").distribution
    Distribution(family='beta', params=(3.5, 17.5))
    >>> parse_statement("low=1.2 best=2 high=4 confidence=0.8", scale="odds_ratio").quantiles
    (1.2, 2.0, 4.0)
    """
    if text.strip().lower() == "never":
        return Statement(NEVER)
    fields = _split(text)
    form = _FORMS.get(frozenset(fields))
    if form is None:
        raise _unknown_form(text, fields)
    if scale == "odds_ratio" and "low" not in fields:
        raise StatementError(
            f"got {text.strip()!r} for an odds ratio, but this form is about a frequency; "
            f"expected {_ODDS_RATIO_FORMS}"
        )
    if "k" in fields:
        return _counts(fields)
    if "mean" in fields:
        return _mean(fields)
    if "low" in fields:
        return _range(fields, scale)
    return _word(fields)


def fit_statement(text: str, *, scale: Scale, tolerance: float = 0.05) -> Fit:
    """Return the distribution that one statement means, beside what was stated.

    Parameters
    ----------
    text : str
        Counts (``k=3 n=20``), a mean with its worth (``mean=0.2 ess=30``), a range (``low=0.1 best=0.2 high=0.3
        confidence=0.9``), a word (``scale=eu-smpc-2009 word=common``) or ``never``.
    scale : {"probability", "odds_ratio"}
        What the number is.
    tolerance : float
        How far a fit may miss what was stated, relative; beyond it two pieces are fitted.

    Returns
    -------
    Fit

    Raises
    ------
    StatementError
        If the statement cannot be read, or makes no sense on this scale.

    Examples
    --------
    >>> fit = fit_statement("scale=eu-smpc-2009 word=common", scale="probability")
    >>> [round(value, 3) for value in fit.fitted]
    [0.01, 0.032, 0.1]
    """
    return _finish(parse_statement(text, scale=scale), scale, tolerance)


def _finish(statement: Statement, scale: Scale, tolerance: float) -> Fit:
    if statement.distribution is not None:
        return exact_fit(statement.distribution)
    assert statement.quantiles is not None
    assert statement.levels is not None
    (fit,) = fit_quantiles([statement.quantiles], scale=scale, levels=[statement.levels], tolerance=tolerance)
    return fit


def exact_fit(distribution: Distribution) -> Fit:
    """Return the fit of something stated as a distribution: its own quantiles, no miss."""
    levels = (0.05, 0.5, 0.95)
    low, middle, high = (float(value) for value in distribution.quantile(levels))
    return Fit(distribution, levels, (low, middle, high), (low, middle, high), 0.0)


def _split(text: str) -> dict[str, str]:
    """Return the ``name=value`` pairs; a value runs up to the next name."""
    pairs = _PAIR.findall(text.strip())
    names = [name.lower() for name, _ in pairs]
    leftover = _PAIR.sub("", text.strip()).strip(" ,")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise StatementError(f"got {repeated[0]}= more than once in {text!r}, expected it once")
    if not pairs or leftover:
        raise _unknown_form(text, {})
    return {name: value.strip(" ,") for name, (_, value) in zip(names, pairs, strict=True)}


def _unknown_form(text: str, fields: Mapping[str, str]) -> StatementError:
    strangers = [name for name in fields if name not in _FIELDS]
    if strangers:
        hint = nearest_hint(strangers[0], _FIELDS)
    elif fields:
        nearest = max(_FORMS, key=lambda form: len(form & fields.keys()) - len(form ^ fields.keys()))
        missing, extra = sorted(nearest - fields.keys()), sorted(fields.keys() - nearest)
        parts = [f"{name}= is missing" for name in missing]
        parts += [f"{name}= does not belong" for name in extra]
        hint = f"next to {_FORMS[nearest]!r}: {', '.join(parts)}"
    else:
        hint = nearest_hint(text.strip(), ["never"])
    known = ", ".join(f"'{form}'" for form in _FORMS.values())
    message = f"got statement {text.strip()!r}, expected a form like {known} or 'never'"
    return StatementError(f"{message}; {hint}" if hint else message)


def _number(fields: Mapping[str, str], name: str) -> float:
    try:
        value = float(fields[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise StatementError(f"got {name}={fields[name]}, expected a number")
    return value


def _counts(fields: Mapping[str, str]) -> Statement:
    k, n = _number(fields, "k"), _number(fields, "n")
    if not (k.is_integer() and n.is_integer() and 0 <= k <= n and n >= 1):
        hint = f"; did you mean k={n:g} n={k:g}?" if k > n >= 0 else ""
        raise StatementError(f"got k={k:g} n={n:g}, expected whole numbers with 0 <= k <= n, n >= 1{hint}")
    return Statement(Distribution("beta", (k + 0.5, n - k + 0.5)))


def _mean(fields: Mapping[str, str]) -> Statement:
    mean, ess = _number(fields, "mean"), _number(fields, "ess")
    if not 0 < mean < 1:
        hint = f"; did you mean mean={mean / 100:g}?" if 1 < mean < 100 else ""
        raise StatementError(f"got mean={mean:g}, expected a frequency in (0, 1){hint}")
    if ess <= 0:
        raise StatementError(f"got ess={ess:g}, expected an effective sample size above 0")
    return Statement(Distribution("beta", (mean * ess, (1 - mean) * ess)))


def _range(fields: Mapping[str, str], scale: Scale) -> Statement:
    low, best, high = (_number(fields, name) for name in ("low", "best", "high"))
    confidence = _number(fields, "confidence")
    inside = low > 0 and (scale == "odds_ratio" or high < 1)
    if not (low < best < high and inside):
        room = "above 0" if scale == "odds_ratio" else "in (0, 1)"
        raise StatementError(
            f"got low={low:g} best={best:g} high={high:g}, expected low < best < high, all {room}"
        )
    if not 0 < confidence < 1:
        hint = f"; did you mean confidence={confidence / 100:g}?" if 1 < confidence < 100 else ""
        raise StatementError(f"got confidence={confidence:g}, expected a number in (0, 1){hint}")
    return Statement(None, (low, best, high), _central(confidence))


def _word(fields: Mapping[str, str]) -> Statement:
    scale_id = fields["scale"].lower()
    verbal = VERBAL_SCALES.get(scale_id)
    if verbal is None:
        known = ", ".join(VERBAL_SCALES)
        hint = nearest_hint(scale_id, VERBAL_SCALES)
        raise StatementError(
            f"got scale {fields['scale']!r}, expected one of {known}" + (f"; {hint}" if hint else "")
        )
    word = " ".join(re.split(r"[\s_-]+", fields["word"].lower()))
    if word not in verbal.words:
        hint = nearest_hint(word, verbal.words)
        raise StatementError(
            f"got word {fields['word']!r}, expected a word of {scale_id} "
            f"({', '.join(verbal.words)})" + (f"; {hint}" if hint else "")
        )
    low, high = verbal.words[word]
    odds = math.sqrt(low / (1 - low) * high / (1 - high))  # the middle on the log-odds scale
    return Statement(None, (low, odds / (1 + odds), high), _central(verbal.confidence))


def _central(confidence: float) -> tuple[float, float, float]:
    return (1 - confidence) / 2, 0.5, (1 + confidence) / 2
