"""Names for people: of causes, findings, states and judgements, in place of ids."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thighdx.kb.records import JudgementTable, Key
from thighdx.text import Labels, begun, in_words, state_name

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["MUST_NOT_MISS", "Names", "lower"]

DIAMOND = "◆ "
MUST_NOT_MISS = f"{DIAMOND}must not be missed"


@dataclass(frozen=True, slots=True)
class Names:
    """Labels of causes and variables, and which causes must not be missed; an id without a label is put in words."""

    labels: Labels
    dangerous: Collection[str] = ()

    @classmethod
    def of_model(cls, model: Model | None, labels: Labels | None = None) -> Names:
        """Return the names of a model; without one those that came with the data."""
        if model is None:
            return cls(labels or {})
        return cls(model.compiled.labels, model.compiled.card.must_not_miss)

    def name(self, item: str) -> str:
        """Return the label of a cause or variable.

        Examples
        --------
        >>> Names({}).name("hamstring_strain")
        'Hamstring strain'
        """
        return self.labels.get(item) or begun(in_words(item))

    def marked(self, cause: str) -> str:
        """Return the label of a cause, with a diamond if it must not be missed.

        Examples
        --------
        >>> Names({}, ["stroke"]).marked("stroke")
        '◆ Stroke'
        """
        return DIAMOND * (cause in self.dangerous) + self.name(cause)

    def state(self, item: str, state: str) -> str:
        """Return a variable in a state; the state is left out where it only says that it is there.

        Examples
        --------
        >>> names = Names({})
        >>> names.state("onset", "sudden"), names.state("bruising", "present")
        ('Onset: sudden', 'Bruising')
        """
        name = self.name(item)
        return name if state in ("present", "") else f"{name}: {state_name(item, state, self.labels)}"

    def judgement(self, table: JudgementTable, key: Key) -> str:
        """Say which number a judgement is about.

        Examples
        --------
        >>> Names({}).judgement("links", ("hamstring_strain", "bruising", "present"))
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
