"""The check of the words of a model that does not speak English."""

from __future__ import annotations

from collections.abc import Iterator

from thighdx.errors import Problem, nearest_hint
from thighdx.kb.records import KnowledgeBase
from thighdx.words import ENGLISH, placeholders

__all__ = ["check_words"]

_FILE = "words.csv"


def check_words(kb: KnowledgeBase) -> Iterator[Problem]:
    """Yield sentences that are missing, unknown, empty, or that need a value which is not there.

    A model in English needs none, and may say some of them in its own way. A state may have words too, by
    ``variable=state``, or by ``state.<id>`` for all that are called so.
    """
    language = kb.manifest.language
    every = [(variable.id, state) for variable in kb.variables for state in variable.states]
    states = {f"{name}={state}" for name, state in every} | {f"state.{state}" for _, state in every}
    rows = kb.row_numbers.get("words", ())
    for row, (key, words) in zip(rows, kb.words.items(), strict=False):
        if key not in ENGLISH and key not in states:
            hint = nearest_hint(key, {*ENGLISH, *states})
            expected = "expected a key of thighdx.words.ENGLISH or variable=state"
            yield Problem(_FILE, row, "key", f"got {key!r}, {expected}", hint)
        elif not words:
            yield Problem(_FILE, row, "words", f"{key}: empty")
        elif unknown := placeholders(words) - placeholders(ENGLISH.get(key, "")):
            named = ", ".join(f"{{{name}}}" for name in sorted(unknown))
            expected = (
                ", ".join(f"{{{name}}}" for name in sorted(placeholders(ENGLISH.get(key, "")))) or "none"
            )
            yield Problem(_FILE, row, "words", f"{key}: got the value {named}, expected {expected}")
    if len(rows) > len(kb.words):
        yield Problem(_FILE, None, "key", "a key is given twice")
    if language.partition("-")[0] == "en":
        return
    for key, words in ENGLISH.items():
        if key not in kb.words:
            yield Problem(_FILE, None, "key", f"no words for {key!r} in {language!r}", f"in English: {words}")
