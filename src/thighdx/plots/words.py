"""Names for people: of causes, findings, states and judgements, in place of ids."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thighdx.kb.records import JudgementTable, Key
from thighdx.text import Labels, begun, in_words, inside, state_name
from thighdx.words import say

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["Names"]

DIAMOND = "◆ "


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called, and which causes must not be missed; an id without a label is put in words.

    With the labels of a model words are in its language, without any in English.
    """

    labels: Labels
    dangerous: Collection[str] = ()

    @classmethod
    def of_model(cls, model: Model | None, labels: Labels | None = None) -> Names:
        """Return the names of a model; without one those that came with the data."""
        if model is None:
            return cls(labels or {})
        return cls(model.compiled.labels, model.compiled.card.must_not_miss)

    def say(self, key: str, **values: object) -> str:
        """Return a sentence, see `thighdx.words.say`."""
        return say(key, self.labels, **values)

    def inside(self, name: str) -> str:
        """Write a name inside a sentence."""
        return inside(name, self.labels)

    @property
    def mark(self) -> str:
        """What the diamond means."""
        return DIAMOND + self.say("card.must_not_miss")

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

    def known(self, item: str, state: str) -> str:
        """Return a variable in the state it is known to be in; "" for uncertain evidence, which it says."""
        return self.state(item, state) if state else self.say("plot.uncertain", finding=self.name(item))

    def judgement(self, table: JudgementTable, key: Key) -> str:
        """Say which number a judgement is about.

        Examples
        --------
        >>> Names({}).judgement("links", ("hamstring_strain", "bruising", "present"))
        'Bruising, in hamstring strain'
        """
        if table == "shares":
            return self.say("judgement.share", thing=self.inside(self.name(key[0])))
        if table == "links":
            finding, cause = self.state(key[1], key[2]), self.inside(self.name(key[0]))
            return self.say("judgement.link", finding=finding, cause=cause)
        state = self.state(key[0], key[1])
        if table == "backgrounds":
            return self.say("judgement.background", finding=state)
        if table == "frequencies":
            return self.say("judgement.share", thing=self.inside(state))
        if table == "effects":
            return self.say("judgement.effect", cause=self.name(key[2]), thing=self.inside(state))
        other = self.inside(self.state(key[2], key[3]))
        return self.say("judgement.dependency", finding=state, thing=other)
