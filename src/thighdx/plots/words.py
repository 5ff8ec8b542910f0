"""Names for people: of causes, findings, states and judgements, in place of ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from thighdx.evidence.vocabulary import Vocabulary
from thighdx.kb.records import JudgementTable, Key, Variable
from thighdx.text import begun, in_words

__all__ = ["Names", "SupportsNames", "lower", "setting_words"]

LONG = 60  # of a label: from here on an explanation in brackets is left out


class SupportsNames(Protocol):
    """What gives names; `thighdx.Model` does."""

    @property
    def vocabulary(self) -> Vocabulary:
        """Names and states."""


@dataclass(frozen=True, slots=True)
class Names:
    """Labels of causes and variables; an id without one is written as words."""

    variables: Mapping[str, Variable]

    @classmethod
    def of(cls, vocabulary: Vocabulary | None) -> Names:
        """Return the names of a vocabulary; without one, ids are written as words."""
        known = () if vocabulary is None else (*vocabulary.causes, *vocabulary.variables)
        return cls({item.id: item for item in known})

    def name(self, item: str) -> str:
        """Return the label of a cause or variable, without a long explanation in brackets.

        Examples
        --------
        >>> Names.of(None).name("hamstring_strain")
        'Hamstring strain'
        """
        known = self.variables.get(item)
        if known is None or not known.label:
            return begun(in_words(item))
        label = known.label
        if len(label) >= LONG and label.endswith(")") and " (" in label:
            label = label[: label.index(" (")]
        return label

    def state(self, item: str, state: str, *, label: str = "") -> str:
        """Return a variable in a state; the state is left out where it only says that it is there.

        Examples
        --------
        >>> names = Names.of(None)
        >>> names.state("onset", "sudden"), names.state("bruising", "present")
        ('Onset: sudden', 'Bruising')
        """
        name = label or self.name(item)
        return name if state in ("present", "") else f"{name}: {in_words(state)}"

    def judgement(self, table: JudgementTable, key: Key) -> str:
        """Say which number a judgement is about.

        Examples
        --------
        >>> Names.of(None).judgement("links", ("hamstring_strain", "bruising", "present"))
        'Bruising, in hamstring strain'
        """
        if table == "shares":
            return f"How common: {lower(self.name(key[0]))}"
        if table == "links":
            return f"{self.state(key[1], key[2])}, in {lower(self.name(key[0]))}"
        if table == "backgrounds":
            return f"{self.state(key[0], key[1])}, for no particular reason"
        if table == "frequencies":
            return f"How common: {lower(self.state(key[0], key[1]))}"
        if table == "effects":
            return f"{self.name(key[2])}: odds ratio of {lower(self.state(key[0], key[1]))}"
        return f"{self.state(key[0], key[1])} with {lower(self.state(key[2], key[3]))}: odds ratio"


def lower(name: str) -> str:
    """Write a name inside a sentence: abbreviations keep their capitals.

    Examples
    --------
    >>> lower("Deep vein thrombosis"), lower("MRI of the spine")
    ('deep vein thrombosis', 'MRI of the spine')
    """
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def setting_words(setting: str) -> str:
    """Return a setting in words.

    Examples
    --------
    >>> setting_words("primary_care")
    'primary care'
    """
    return in_words(setting)
