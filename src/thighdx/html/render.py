"""Fill templates: whatever is put in is escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from thighdx.text import (
    COST_NAMES,
    LEVEL_NAMES,
    NO_BREAK,
    Labels,
    advice_of_level,
    begun,
    in_words,
    label_of,
    percent,
    sentence,
    uncertain_words,
)

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["View", "render", "times"]

View: TypeAlias = dict[str, Any]

TIMES = "\N{MULTIPLICATION SIGN}"
TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, data: Mapping[str, object], labels: Labels | None = None) -> str:
    """Fill one template.

    Parameters
    ----------
    template : str
        Name of a file in ``templates``, without its ending.
    data : mapping of str to object
        Everything the template names; a name that is missing is an error. Texts are escaped.
    labels : mapping of str to str, optional
        Names of causes and findings, which the template calls by `label`; where there are none, ids are put in words.
    """
    return (
        _environment().get_template(f"{template}.html").render(label=partial(label_of, labels=labels), **data)
    )


@cache
def _environment() -> Environment:
    """Set the templates up, once."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    words = {"in_words": in_words, "begun": begun, "sentence": sentence, "uncertain": uncertain_words}
    names = {
        "level_name": lambda level: LEVEL_NAMES.get(level, in_words(level)),
        "cost": COST_NAMES.__getitem__,
    }
    environment.filters.update(
        **words, **names, percent=percent, signed=_signed, times=times, count=_count, after_level=_after_level
    )
    return environment


def _after_level(words: str, level: str) -> str:
    """Say what a level means, where its name stands above."""
    return advice_of_level(level, words)


def _count(value: int) -> str:
    """Write a number of things."""
    return f"{value:,}"


def _signed(value: float) -> str:
    """Write a number with its sign, with a real minus."""
    return f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")


def times(decibans: float) -> str:
    """Say what decibans do to the odds.

    Examples
    --------
    >>> times(-3).split(), times(-20).split()
    (['÷', '2.0'], ['÷', '100'])
    """
    factor = math.pow(10.0, min(abs(decibans), 3000.0) / 10.0)
    shown = f"{factor:,.0f}" if factor >= 9.95 else f"{factor:.1f}"
    return f"{TIMES if decibans >= 0 else '÷'}{NO_BREAK}{shown}"
