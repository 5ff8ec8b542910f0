"""Templates filled in: whatever is put into a page is escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from thighdx.text import (
    MINUS,
    NO_BREAK,
    advice_of_level,
    begun,
    cost_name,
    exact_percent,
    finding_name,
    in_words,
    inside,
    label_of,
    level_name,
    percent,
    sentence,
    signed,
    span,
    state_name,
    value_name,
)
from thighdx.words import Labels, say

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
        What things are called and sentences; where there are none, ids are put in words and sentences are English.
    """
    # what templates and their macros call, in the language of the model
    spoken = (
        say,
        label_of,
        state_name,
        value_name,
        finding_name,
        level_name,
        cost_name,
        advice_of_level,
        inside,
        span,
    )
    names = {word.__name__: partial(word, labels=labels or {}) for word in spoken}
    return _environment().get_template(f"{template}.html").render(**names, **data)


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
    environment.filters.update(
        in_words=in_words,
        begun=begun,
        sentence=sentence,
        percent=percent,
        exact_percent=exact_percent,
        signed=partial(signed, minus=MINUS),
        times=times,
        count="{:,}".format,
    )
    return environment


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
