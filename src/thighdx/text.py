"""What things are called for people, in the terminal, on pages and in pictures: numbers, causes, findings, levels.

Causes and findings have labels (id to name) where the caller knows them; where not, their ids are put in words.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeAlias

__all__ = [
    "COST_NAMES",
    "LEVEL_NAMES",
    "NO_BREAK",
    "Labels",
    "advice_of_level",
    "begun",
    "counted",
    "in_labels",
    "in_words",
    "label_of",
    "number",
    "percent",
    "printable",
    "sentence",
    "short_labels",
    "uncertain_words",
]

Labels: TypeAlias = Mapping[str, str]

NO_BREAK = "\N{NO-BREAK SPACE}"
LEVEL_NAMES: Labels = {
    "emergency": "Emergency",
    "urgent": "Urgent",
    "soon": "Soon",
    "routine": "Routine",
    "self_care": "Self-care",
}
COST_NAMES: Labels = {
    "": "",
    "ask": "ask",
    "examine": "examine",
    "cheap_test": "simple test",
    "imaging_or_invasive": "imaging or invasive test",
}


def counted(n: int, word: str) -> str:
    """Write a number of things.

    Examples
    --------
    >>> counted(1, "piece"), counted(1200, "piece")
    ('1 piece', '1,200 pieces')
    """
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def number(value: float) -> str:
    """Write a ratio with two significant digits and no exponent.

    Examples
    --------
    >>> number(55.1), number(3.0), number(0.1669), number(0.00412), number(1234.5), number(float("inf"))
    ('55', '3.0', '0.17', '0.0041', '1234', 'inf')
    """
    if value == float("inf") or value >= 9.95:
        return f"{value:.0f}"
    if value >= 0.995:
        return f"{value:.1f}"
    if value >= 0.0995:
        return f"{value:.2f}"
    return f"{value:.3f}" if value >= 0.00995 or value == 0 else f"{value:.2g}"


def percent(value: float, digits: int = 1) -> str:
    """Write a probability for reading: never 0 % or 100 % for what is neither.

    Examples
    --------
    >>> percent(0.123), percent(0.0), percent(1e-9), percent(0.99999), percent(0.996, 0)
    ('12.3%', '0%', '<0.1%', '>99.9%', '>99%')
    """
    if value in (0.0, 1.0):
        return f"{value:.0%}"
    step = 10.0 ** -(digits + 2)
    if value < step:
        return f"<{step:.{digits}%}"
    if value > 1.0 - step:
        return f">{1.0 - step:.{digits}%}"
    return f"{value:.{digits}%}"


def in_words(name: str) -> str:
    """Turn an id into words, for want of a label.

    Examples
    --------
    >>> in_words("hamstring_strain")
    'hamstring strain'
    """
    return name.replace("_", " ")


def begun(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]


def label_of(name: str, labels: Labels | None) -> str:
    """Return the name of a cause or finding for reading."""
    return (labels or {}).get(name) or in_words(name)


def short_labels(labels: Labels) -> dict[str, str]:
    """Leave out what labels say in brackets, where they can still be told apart.

    Examples
    --------
    >>> short_labels({"a": "Cramp (at night)", "b": "Tear (partial)", "c": "Tear (complete)"})
    {'a': 'Cramp', 'b': 'Tear (partial)', 'c': 'Tear (complete)'}
    >>> short_labels({"d": "Baker (popliteal) cyst"})
    {'d': 'Baker cyst'}
    """
    short = {name: re.sub(r" \([^()]*\)", "", label) for name, label in labels.items()}
    counts = Counter(short.values())
    return {name: short[name] if counts[short[name]] == 1 else label for name, label in labels.items()}


def in_labels(text: str, names: Iterable[str], labels: Labels | None) -> str:
    """Put labels in the place of ids in a text.

    Examples
    --------
    >>> in_labels("calf_cramp leads with 60%.", ["calf_cramp"], {"calf_cramp": "Cramp of the calf"})
    'Cramp of the calf leads with 60%.'
    """
    labeled = {name: label_of(name, labels) for name in names if name}
    return re.sub(r"\w+", lambda word: labeled.get(word[0], word[0]), text)


def advice_of_level(level: str, words: str) -> str:
    """Return what a level means without its name, which stands above it.

    Examples
    --------
    >>> advice_of_level("urgent", "Urgent: be seen by a clinician today.")
    'Be seen by a clinician today.'
    """
    rest = words.removeprefix(f"{LEVEL_NAMES.get(level, '')}: ")
    return begun(rest)


def sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop."""
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return begun(ended)


def uncertain_words(likelihood: Mapping[str, float]) -> str:
    """Write uncertain evidence in words.

    Examples
    --------
    >>> uncertain_words({"none": 0.1, "mild": 0.9})
    'uncertain (likelihoods none 0.1, mild 0.9)'
    """
    weights = ", ".join(f"{in_words(state)} {weight:g}" for state, weight in likelihood.items())
    return f"uncertain (likelihoods {weights})"


def printable(sign: str, otherwise: str) -> str:
    """Return a sign if standard output can show it, which a terminal of ASCII cannot."""
    try:
        sign.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return otherwise
    return sign
