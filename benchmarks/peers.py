"""Other libraries on the whole model, one query after the other as they offer it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

import thighdx
from benchmarks.cohort import SETTING, cohort, encode
from benchmarks.tables import Table, number, say
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.inference.engine import infer
from thighdx.inference.kernel import infer_compiled
from thighdx.network.build import Network
from thighdx.network.interchange import to_pgmpy

__all__ = ["EXACT", "PeerResult", "peer_table", "quiet", "timed", "whole_model"]

# Largest error of a library that claims to be exact and is timed as such.
EXACT = 1e-6


@dataclass(frozen=True)
class PeerResult:
    """Rows per second of one library and its largest difference from the answer, or why it did not run."""

    name: str
    n_rows: int = 0
    rows_per_second: float = float("nan")
    largest_difference: float = float("nan")
    note: str = ""


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what other libraries warn about themselves while they are imported and used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def timed(
    name: str, run: Callable[[], np.ndarray], expected: np.ndarray, *, is_exact: bool = True
) -> PeerResult:
    """Run, time, and compare; who claims to be exact has to be."""
    say(name)
    with quiet():
        start = time.perf_counter()
        found = run()
        seconds = time.perf_counter() - start
    n_checked = min(len(found), len(expected))
    difference = float(np.abs(found[:n_checked] - expected[:n_checked]).max())
    assert not is_exact or difference < EXACT, f"{name}: off by {difference}, expected less than {EXACT}"
    return PeerResult(name, len(found), len(found) / seconds, difference)


def peer_table(title: str, results: Iterator[PeerResult]) -> Table:
    """Lay results out as a table."""
    rows = [
        (result.name, result.note, "", "")
        if result.note
        else (
            result.name,
            number(result.rows_per_second),
            f"{result.largest_difference:.0e}" if result.largest_difference else "reference",
            number(result.n_rows),
        )
        for result in results
    ]
    return Table(title, ("", "rows/s", "largest error", "rows timed"), tuple(rows))


def whole_model(n_rows: int, n_own: int = 20_000) -> Table:
    """Query the whole model: root `explanation`, all else its children."""
    model = thighdx.load_model()
    network, batch = model.network, encode(model, cohort(model, n_own))
    few = take_cases(batch, np.arange(n_rows))
    expected = infer(network, take_cases(batch, np.arange(300))).posterior
    return peer_table(
        f"The whole model, up to {network.explanations.max_causes} causes at once",
        whole_results(network, batch, few, expected),
    )


def whole_results(
    network: Network, batch: EvidenceBatch, few: EvidenceBatch, expected: np.ndarray
) -> Iterator[PeerResult]:
    """Yield one result per library; building networks is not timed."""
    whole = to_pgmpy(network, setting_idx=network.spec.settings.index(SETTING))

    for name, build in (
        ("pgmpy, `VariableElimination`", in_pgmpy),
        ("pyAgrum, `LazyPropagation`", in_pyagrum),
    ):
        label = f"{name}, a query per row"
        try:
            with quiet():
                ask = build(network, whole)
        except ImportError as missing:
            yield PeerResult(label, note=f"not installed: {missing}")
            continue
        yield timed(label, lambda ask=ask: ask(few), expected)
    some = take_cases(batch, np.arange(len(expected)))
    yield timed("thighdx, numpy", lambda: infer(network, some).posterior, expected)
    infer_compiled(network, take_cases(batch, np.arange(300)))  # compiles
    yield timed("thighdx, compiled", lambda: infer_compiled(network, batch).posterior, expected)


def named(network: Network, codes: np.ndarray) -> dict[str, str]:
    """Return the known values of one case by name."""
    known = np.flatnonzero(codes != UNKNOWN)
    return {network.variable_ids[v]: network.states[v][codes[v]] for v in known}


def in_pgmpy(network: Network, whole) -> Callable[[EvidenceBatch], np.ndarray]:
    """Return what queries the root row by row."""
    from pgmpy.inference import VariableElimination

    engine = VariableElimination(whole)

    def ask(batch: EvidenceBatch) -> np.ndarray:
        rows = [
            engine.query(["explanation"], evidence=named(network, codes), show_progress=False).values
            for codes in batch.codes
        ]
        return np.array(rows) @ network.membership

    return ask


def in_pyagrum(network: Network, whole) -> Callable[[EvidenceBatch], np.ndarray]:
    """Build the same network in pyAgrum and return what queries its root row by row."""
    import pyagrum as gum

    bayes = gum.BayesNet()
    for cpd in whole.get_cpds():
        bayes.add(gum.LabelizedVariable(cpd.variable, "", [str(s) for s in cpd.state_names[cpd.variable]]))
    for cpd in whole.get_cpds():
        for parent in cpd.variables[1:]:
            bayes.addArc(parent, cpd.variable)
    for cpd in whole.get_cpds():
        table = bayes.cpt(cpd.variable)
        order = [cpd.variables.index(name) for name in reversed(table.names)]
        table[:] = np.ascontiguousarray(np.transpose(cpd.values, order))
    engine = gum.LazyPropagation(bayes)
    engine.setTargets({"explanation"})

    def ask(batch: EvidenceBatch) -> np.ndarray:
        rows = []
        for codes in batch.codes:
            engine.setEvidence(named(network, codes))
            engine.makeInference()
            rows.append(engine.posterior("explanation").toarray())
        return np.array(rows) @ network.membership

    return ask
