"""Draw patients from the model: forward simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from thighdx.errors import TableError
from thighdx.evidence.columns import TRUTH_PREFIX
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.network.tables import setting_tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["simulate_table"]

# Probabilities looked up at once; bounds the memory beyond the result, not what is drawn.
CELLS_PER_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class _Draw:
    """Variables drawn together given the explanation.

    Attributes
    ----------
    variable_idx : (n_members,) intp
    outcomes : (n_outcomes, n_members) integer
        State index of every member in every outcome.
    thresholds : (n_outcomes - 1, n_explanations) float64
        P(outcome is this one or an earlier one | H), exactly 1 from the last possible outcome on.
    """

    variable_idx: npt.NDArray[np.intp]
    outcomes: npt.NDArray[np.intp]
    thresholds: Floats


def simulate_table(
    network: Network, vocabulary: Vocabulary, n: int, *, seed: int, setting: str
) -> pd.DataFrame:
    """Draw `n` patients who come with the complaint in one setting.

    Parameters
    ----------
    n : int
        Number of patients, >= 0.
    seed : int
        Same seed, same patients; >= 0. The patients of a smaller `n` are the first of a larger one.
    setting : str

    Returns
    -------
    pandas.DataFrame
        One categorical column per variable, in the order of the vocabulary, nothing unknown
        (findings and tests are ordered); then one boolean column ``true_<cause>`` per cause, which
        `score_table` passes through and never reads.

    Raises
    ------
    TableError
        If `n` or `seed` is not a whole number from 0 on.
    EvidenceError
        If there is no such setting.

    Notes
    -----
    The set of causes is drawn first, then every context (those with a joint table together) and
    finding given that set, each from a random stream of its own.
    """
    n_rows, seed = _whole(n, "n"), _whole(seed, "seed")
    setting_idx = vocabulary.setting_code(setting)
    draws = _draws(network, setting_idx)
    streams = np.random.default_rng(seed).spawn(1 + len(draws))
    thresholds = _thresholds(np.exp(network.log_prior(setting_idx))[:, None])[:, 0]
    explanation_idx = np.searchsorted(thresholds, streams[0].random(n_rows), side="right")
    codes = np.empty((network.n_variables, n_rows), dtype=np.int8)
    for draw, stream in zip(draws, streams[1:], strict=True):
        codes[draw.variable_idx] = _drawn_states(draw, explanation_idx, stream)
    return _frame(vocabulary, codes, network.membership > 0, explanation_idx)


def _whole(value: object, name: str) -> int:
    """Return a whole number from 0 on."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 0:
        return int(value)
    raise TableError(f"simulate: {name}: got {value!r}, expected a whole number from 0 on")


def _draws(network: Network, setting_idx: int) -> list[_Draw]:
    """List what is drawn given the explanation, in the order of the variables."""
    tables = setting_tables(network, setting_idx)
    draws = [
        _Draw(joint.variable_idx, joint.cells, _thresholds(joint.probability.astype(np.float64)))
        for joint in tables.joints
    ]
    for position, first in enumerate(tables.row_offset):
        if first >= 0:
            states = np.arange(network.n_states[position])[:, None]
            rows = np.exp(tables.rows[first : first + len(states)]).astype(np.float64)
            draws.append(_Draw(np.array([position]), states, _thresholds(rows)))
    return sorted(draws, key=lambda draw: int(draw.variable_idx[0]))


def _thresholds(probability: Floats) -> Floats:
    """Turn (n_outcomes, n_columns) probabilities into (n_outcomes - 1, n_columns) cumulative ones.

    Divided by the sum as it was rounded: the threshold of the last possible outcome is then exactly
    1, above every random number, and outcomes of probability 0 are never drawn.
    """
    cumulative = np.cumsum(probability, axis=0)
    return np.asarray(cumulative[:-1] / cumulative[-1])


def _drawn_states(
    draw: _Draw, explanation_idx: npt.NDArray[np.intp], stream: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Return the states of the members, as (n_members, n_rows)."""
    n_rows = len(explanation_idx)
    outcome = np.empty(n_rows, dtype=np.intp)
    size = max(1, CELLS_PER_CHUNK // len(draw.outcomes))
    for start in range(0, n_rows, size):
        chosen = explanation_idx[start : start + size]
        number = stream.random(len(chosen))  # consecutive draws do not depend on the size of a chunk
        outcome[start : start + size] = (number >= draw.thresholds[:, chosen]).sum(axis=0)
    return draw.outcomes[outcome].T


def _frame(
    vocabulary: Vocabulary,
    codes: npt.NDArray[np.int8],
    membership: npt.NDArray[np.bool_],
    explanation_idx: npt.NDArray[np.intp],
) -> pd.DataFrame:
    """Name states and causes."""
    import pandas as pd

    columns: dict[str, Sequence[object] | npt.NDArray[np.bool_] | pd.Categorical] = {}
    for variable, row in zip(vocabulary.variables, codes, strict=True):
        is_ordered = variable.layer in ("finding", "test")
        kind = pd.CategoricalDtype(list(variable.states), ordered=is_ordered)
        columns[variable.id] = pd.Categorical.from_codes(row, dtype=kind)
    for position, cause in enumerate(vocabulary.causes):
        columns[f"{TRUTH_PREFIX}{cause.id}"] = membership[explanation_idx, position]
    return pd.DataFrame(columns)
