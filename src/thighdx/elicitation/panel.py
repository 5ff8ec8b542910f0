"""Who is heard on which number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from thighdx.errors import Problem, nearest_hint
from thighdx.kb.records import Expert, Judgement, JudgementTable, Key, Scope

__all__ = ["Panel"]

# places of a key that hold a variable or a cause; the others hold states and settings
_ID_PLACES: dict[JudgementTable, tuple[int, ...]] = {
    "shares": (0,),
    "frequencies": (0,),
    "effects": (0, 2),
    "links": (0, 1),
    "backgrounds": (0,),
    "dependencies": (0, 2),
}


class Panel:
    """The experts of a manifest, in its order, and the rule who is heard.

    Attributes
    ----------
    pooled, alone, corrections : tuple of Expert
    """

    def __init__(self, experts: Sequence[Expert], rows: Iterable[Judgement]) -> None:
        self.pooled = tuple(item for item in experts if item.role == "pooled")
        self.alone = tuple(item for item in experts if item.role == "alone")
        self.corrections = tuple(item for item in experts if item.replaces)
        self._by_id = {item.id: item for item in experts}
        self._judged: dict[Scope, set[tuple[JudgementTable, Key]]] = {
            item.scope: set() for item in self.alone
        }
        for row in rows:
            expert = self._by_id.get(row.expert)
            if expert is not None and expert.role == "alone":
                self._judged[expert.scope].add((row.table, row.key))

    def standing_alone(self, table: JudgementTable, key: Key) -> tuple[Expert, ...]:
        """Return the experts that alone are heard on a number; empty: the pooled ones are.

        Those with the same scope stand together. Where scopes overlap, the later one of the manifest holds.
        """
        ids = {key[place] for place in _ID_PLACES[table]}
        scopes = [
            item.scope
            for item in self.alone
            if ids & {*item.variables, *item.causes}
            or (ids & {*item.revises} and (table, key) in self._judged[item.scope])
        ]
        return tuple(item for item in self.alone if scopes and item.scope == scopes[-1])

    def check(self, rows: Iterable[Judgement]) -> list[Problem]:
        """Return rows of unknown experts, rows out of an expert's scope, and repeated rows."""
        problems = []
        seen: dict[tuple[JudgementTable, Key, str], int] = {}
        for row in rows:
            message, hint = self._check_row(row)
            same = (row.table, row.key, row.expert)
            if not message and same in seen:
                message = f"got a second row of {row.expert} for {'|'.join(row.key)}, expected one"
                hint = f"the first is row {seen[same]}"
            seen.setdefault(same, row.row)
            if message:
                problems.append(Problem(f"{row.table}.csv", row.row, "expert", message, hint))
        return problems

    def _check_row(self, row: Judgement) -> tuple[str, str]:
        """Return message and hint, both empty if the row's expert may give it."""
        expert = self._by_id.get(row.expert)
        if expert is None:
            known = ", ".join(self._by_id)
            hint = nearest_hint(row.expert, self._by_id)
            return f"got expert {row.expert!r}, expected one of {known}", hint
        name = "|".join(row.key)
        heard = self.standing_alone(row.table, row.key)
        if expert.role == "alone" and expert not in heard:
            message = (
                f"got {name} from {expert.id}, who stands alone, expected one of its variables or causes"
            )
            return (
                message,
                "add the id to its scope in model.yaml or leave the row to the other experts",
            )
        if expert.role == "pooled" and heard:
            message = f"got {name} from {expert.id}, but on this {heard[0].id} is heard alone"
            return (
                message,
                "remove the row, or take the id out of that expert's scope in model.yaml",
            )
        return "", ""
