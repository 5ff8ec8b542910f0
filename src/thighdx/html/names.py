"""What things are called on pages: causes, findings, levels of urgency, ways to find out.

Causes and findings have labels (id to name) where the caller knows them; where not, their ids are put in words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from thighdx.html.render import NO_BREAK, begun, in_words

__all__ = [
    "COST_NAMES",
    "LEVEL_NAMES",
    "Labels",
    "View",
    "advice_of_level",
    "in_labels",
    "label_of",
    "level_view",
    "sentence",
    "short_labels",
    "unbroken",
    "uncertain_words",
]

View: TypeAlias = dict[str, Any]
Labels: TypeAlias = Mapping[str, str]

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


def label_of(name: str, labels: Labels | None) -> str:
    """Return the name of a cause or finding for reading."""
    return (labels or {}).get(name) or in_words(name)


def short_labels(labels: Labels) -> dict[str, str]:
    """Leave out what labels say in brackets, where they can still be told apart.

    Examples
    --------
    >>> short_labels({"a": "Cramp (at night)", "b": "Tear (partial)", "c": "Tear (complete)"})
    {'a': 'Cramp', 'b': 'Tear (partial)', 'c': 'Tear (complete)'}
    """
    short = {name: label.partition(" (")[0] for name, label in labels.items()}
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


def unbroken(text: str) -> str:
    """Keep a number and its percent sign on one line.

    Examples
    --------
    >>> unbroken("from 15 %: within days").split(" ") == ["from", "15" + NO_BREAK + "%:", "within", "days"]
    True
    """
    return re.sub(r"(?<=\d) (?=%)", NO_BREAK, text)


def level_view(level: str) -> View:
    """Describe a level of urgency by id and name."""
    return {"id": level, "name": LEVEL_NAMES.get(level, in_words(level))}


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
    """Begin with a capital letter, end with a full stop, and break no number."""
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return unbroken(begun(ended))


def uncertain_words(likelihood: Mapping[str, float]) -> str:
    """Write uncertain evidence in words.

    Examples
    --------
    >>> uncertain_words({"none": 0.1, "mild": 0.9})
    'uncertain (likelihoods none 0.1, mild 0.9)'
    """
    weights = ", ".join(f"{in_words(state)} {weight:g}" for state, weight in likelihood.items())
    return f"uncertain (likelihoods {weights})"
