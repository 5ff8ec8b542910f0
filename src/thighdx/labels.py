"""The truth about labelled patients, and urgency judged against urgency given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.columns import TRUTH_PREFIX
from thighdx.errors import TableError
from thighdx.frames import open_table
from thighdx.kb.records import LEVELS
from thighdx.network.spec import Floats
from thighdx.scoring_rules import Bools

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "TRIAGE",
    "TRUE_CAUSE",
    "URGENCY",
    "TriageConfusion",
    "as_pandas",
    "settle_forms",
    "triage_confusion",
    "true_causes",
]

TRUE_CAUSE = "true_cause"  # column of ids joined by ";"
URGENCY = "urgency"  # column of levels judged by someone else
TRIAGE = "triage"  # column of levels that the model gives
ANY_FORM = "_any"  # ending of the groups that hold all forms of a cause that was split


@dataclass(frozen=True, slots=True)
class TriageConfusion:
    """Levels given against levels judged.

    Attributes
    ----------
    table : (4, 4) tuple of tuple of int
        Rows: judged; columns: given; in the order of `levels`, least urgent first.
    """

    levels: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]

    @property
    def n(self) -> int:
        """Number of patients with both."""
        return sum(map(sum, self.table))

    @property
    def exact(self) -> float:
        """Share with the judged level."""
        return self._share(lambda judged, got: judged == got)

    @property
    def too_low(self) -> float:
        """Share with a lower level than judged."""
        return self._share(lambda judged, got: got < judged)

    @property
    def too_low_by_more(self) -> float:
        """Share more than one level lower than judged."""
        return self._share(lambda judged, got: got < judged - 1)

    @property
    def too_high(self) -> float:
        """Share with a higher level than judged."""
        return self._share(lambda judged, got: got > judged)

    def _share(self, counts: Callable[[int, int], bool]) -> float:
        total = sum(n for i, row in enumerate(self.table) for j, n in enumerate(row) if counts(i, j))
        return total / self.n if self.n else float("nan")


def as_pandas(table: Any) -> pd.DataFrame:
    """Return any eager frame as pandas."""
    frame = open_table(table)
    native: pd.DataFrame = frame.native if frame.kind == "pandas" else frame.native.to_pandas()
    return native


def true_causes(labels: Any, causes: Sequence[str], n_rows: int) -> tuple[Bools, bool]:
    """Return which causes are present, as (n_rows, n_causes), and whether that was said in text."""
    if hasattr(labels, "columns"):
        frame = as_pandas(labels)
        named = {cause: f"{TRUTH_PREFIX}{cause}" for cause in causes}
        if any(column in frame.columns for column in named.values()):
            return _booleans(frame, named), False
        if TRUE_CAUSE in frame.columns:
            return _from_text(frame[TRUE_CAUSE].tolist(), causes), True
        if any(cause in frame.columns for cause in causes):
            return _booleans(frame, {cause: cause for cause in causes}), False
        raise TableError(
            f"evaluate: no labels; give {TRUTH_PREFIX}<cause> columns or a column {TRUE_CAUSE}, or truth="
        )
    texts = list(labels)
    if len(texts) != n_rows:
        raise TableError(f"evaluate: truth: got {len(texts)} labels, expected {n_rows}, one per row")
    return _from_text(texts, causes), True


def settle_forms(
    present: Bools, posterior: Floats, causes: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> Bools:
    """Read the name of a cause that was split as whichever of its forms the model finds most likely.

    A label written before the split does not say which form was there, so any of them meets it: the group
    ``<cause>_any`` holds them. Labels that name a form are left alone.
    """
    settled = present.copy()
    place = {cause: position for position, cause in enumerate(causes)}
    for cause, position in place.items():
        forms = np.array([place[name] for name in groups.get(f"{cause}{ANY_FORM}", ())], dtype=np.intp)
        if not forms.size:
            continue
        rows = np.flatnonzero(present[:, position] & (present[:, forms].sum(axis=1) == 1))
        settled[rows, position] = False
        settled[rows, forms[posterior[np.ix_(rows, forms)].argmax(axis=1)]] = True
    return settled


def _booleans(frame: pd.DataFrame, named: Mapping[str, str]) -> Bools:
    """Read one boolean column per cause; a cause without a column is never present."""
    found = np.zeros((len(frame), len(named)), dtype=bool)
    for position, column in enumerate(named.values()):
        if column not in frame.columns:
            continue
        values = frame[column]
        if values.isna().any() or not values.isin([True, False]).all():
            raise TableError(f"evaluate: column {column!r}: expected True or False in every row")
        found[:, position] = values.astype(bool).to_numpy()
    return found


def _from_text(texts: Sequence[object], causes: Sequence[str]) -> Bools:
    """Read ids joined by ``;``."""
    found = np.zeros((len(texts), len(causes)), dtype=bool)
    place = {cause: position for position, cause in enumerate(causes)}
    for row, text in enumerate(texts):
        names = [part.strip() for part in text.split(";")] if isinstance(text, str) else [""]
        for name in names:
            if name not in place:
                raise TableError(
                    f"evaluate: row {row}: got {text!r}, expected ids of causes joined by ';'; "
                    "see model.causes"
                )
            found[row, place[name]] = True
    return found


def triage_confusion(frame: pd.DataFrame, scored: pd.DataFrame) -> TriageConfusion | None:
    """Compare levels judged with levels given, where there are both."""
    if URGENCY not in frame.columns or TRIAGE not in scored.columns:
        return None
    table = np.zeros((len(LEVELS), len(LEVELS)), dtype=np.intp)
    for row, (judged, got) in enumerate(zip(frame[URGENCY].tolist(), scored[TRIAGE].tolist(), strict=True)):
        if judged in LEVELS and got in LEVELS:
            table[LEVELS.index(judged), LEVELS.index(got)] += 1
        elif isinstance(judged, str) and judged not in LEVELS:
            raise TableError(
                f"evaluate: row {row}, {URGENCY}: got {judged!r}, expected one of {', '.join(LEVELS)}"
            )
    return TriageConfusion(tuple(LEVELS), tuple(tuple(int(n) for n in row) for row in table))
