"""Sentences for people, in English or in the language of a model, which brings them as `words.csv`.

A sentence has a key. `say` looks it up among the labels of a model (`KnowledgeBase.labels`), which hold the
words of its language, and falls back to the catalogue in English. ``{name}`` stands for a value; of ``one|several`` the
first is said where ``{n}`` is 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from thighdx.english import ENGLISH

__all__ = ["ENGLISH", "Labels", "placeholders", "say", "template"]

Labels: TypeAlias = Mapping[str, str]
"""What things are called: a label by the id of a cause, finding, setting or group, that of a state by
``finding=state``, and sentences by their keys, which have a dot."""

_VALUE = re.compile(r"\{(\w+)\}")


def template(key: str, labels: Labels | None = None) -> str:
    """Return a sentence in the language of a model as it is written, values not yet in their places."""
    return (labels or {}).get(key) or ENGLISH[key]


def say(key: str, labels: Labels | None = None, **values: object) -> str:
    """Return a sentence in the language of a model, with values in their places.

    Parameters
    ----------
    labels : mapping of str to str, optional
        Of the model; default English.
    **values
        Numbers of things as int, everything else as it is to be read.

    Examples
    --------
    >>> say("level.self_care"), say("level.soon", {"level.soon": "Bald"})
    ('Self-care', 'Bald')
    >>> say("triage.threshold", threshold="15%", level="urgent")
    'from 15%: urgent'
    """
    words = template(key, labels)
    if "|" in words and "n" in values:
        one, _, several = words.partition("|")
        words = one if values["n"] == 1 else several
    shown = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in values.items()}
    return _VALUE.sub(lambda place: shown[place[1]], words)


def placeholders(words: str) -> set[str]:
    """Return the values that a sentence needs.

    Examples
    --------
    >>> sorted(placeholders("from {threshold}: {level}"))
    ['level', 'threshold']
    """
    return set(_VALUE.findall(words))
