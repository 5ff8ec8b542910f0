"""What urgency costs, how well it agrees with levels that were judged, and how often a warning sign lowers it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import thighdx
from benchmarks.cohort import cohort, encode
from benchmarks.tables import Table, say
from thighdx.evaluation.evaluation import evaluate
from thighdx.inference.engine import infer
from thighdx.kb.expressions import atoms, parse_expression
from thighdx.kb.records import LEVELS
from thighdx.reasoning.urgency.levels import UrgencyRules

__all__ = ["report_urgency"]

SEED = 40
TRIES = 5
MOST_KNOWN = 25  # of a patient's signs, before one is added


def report_urgency(published: pd.DataFrame, n_patients: int, n_rows: int) -> Table:
    """Return agreement with published cases, levels lowered by one more warning sign, and processor time.

    Parameters
    ----------
    published : pandas.DataFrame
        Cases with a judged level in a column ``urgency``.
    n_patients : int
        Simulated patients that get one more finding of a red-flag rule each, chosen at random.
    n_rows : int
        Rows of the table whose urgency is timed.
    """
    model = thighdx.load_model()
    say("urgency: published cases")
    found = evaluate(model, published, triage=True).triage
    assert found is not None
    say("urgency: one more warning sign")
    rows = [
        ("published cases: exact", f"{found.exact:.2f}"),
        ("published cases: too low", f"{found.too_low:.2f}"),
        ("published cases: too high", f"{found.too_high:.2f}"),
        *one_more_sign(model, n_patients),
    ]
    say("urgency: processor time")
    table = cohort(model, n_rows)
    batch = encode(model, table)
    posterior = infer(model.network, batch).posterior
    rules = UrgencyRules.of(model.compiled.kb)
    seconds = least(lambda: rules.levels(batch.codes, posterior, batch.given))
    rows.append(("a row of a table beyond its posteriors, µs", f"{1e6 * seconds / n_rows:.2f}"))
    findings = {"onset": "sudden", "bruising": True, "numbness": False, "age": 34}
    triage = least(lambda: model.diagnose(findings).triage)
    whole = least(lambda: model.diagnose(findings).to_dict())
    rows.append(("`diagnose` and `.triage`, ms", f"{1e3 * triage:.1f}"))
    rows.append(("`diagnose` and `.to_dict()`, ms", f"{1e3 * whole:.1f}"))
    return Table("Urgency", ("", "figure"), tuple(rows), f"Times: processor time, the least of {TRIES}.")


def one_more_sign(model: thighdx.Model, n_patients: int) -> list[tuple[str, str]]:
    """Count how often a positive finding of a red-flag rule lowers the level of a simulated patient.

    What is known of a patient is a random number of what was simulated; then one finding becomes known that
    a rule of level ``emergency`` or ``urgent`` asks for.
    """
    rng = np.random.default_rng(SEED)
    variables = {v.id: v for v in model.vocabulary.variables}
    signs = sorted(
        {
            (atom.variable, atom.state)
            for rule in model.compiled.kb.red_flags
            if rule.level in ("emergency", "urgent")
            for atom in atoms(parse_expression(rule.when))
            if variables[atom.variable].layer in ("finding", "test")
            and atom.state != variables[atom.variable].states[0]
        }
    )
    settings = rng.choice(model.settings, n_patients)
    counts = {setting: int((settings == setting).sum()) for setting in model.settings}
    parts = [model.simulate(n, seed=SEED, setting=name).assign(setting=name) for name, n in counts.items()]
    drawn = pd.concat(parts, ignore_index=True)
    share = rng.integers(0, MOST_KNOWN, n_patients) / len(variables)
    known = {
        name: drawn[name].astype(object).where(rng.random(n_patients) < share, None) for name in variables
    }
    before = pd.DataFrame({"setting": drawn["setting"], **known})
    chosen = rng.integers(0, len(signs), n_patients)
    after = before.copy()
    for row, place in enumerate(chosen):
        name, state = signs[place]
        before.loc[row, name] = None
        after.loc[row, name] = state
    ranks = [
        model.score(table, triage=True)["triage"].map(LEVELS.index).to_numpy() for table in (before, after)
    ]
    is_lower = ranks[1] < ranks[0]
    is_home = is_lower & (ranks[1] < LEVELS.index("soon"))
    alarming = np.array([state in variables[name].alarms for name, state in signs])[chosen]
    return [
        ("a sign of a red-flag rule added: level lower", of_all(is_lower)),
        ("... to routine or self-care", of_all(is_home)),
        ("one that alarms by itself added: level lower", of_all(is_lower[alarming])),
        ("... to routine or self-care", of_all(is_home[alarming])),
    ]


def of_all(is_counted: np.ndarray) -> str:
    """Write a count beside how many there are."""
    return f"{int(is_counted.sum())} of {len(is_counted)}"


def least(work: Callable[[], object]) -> float:
    """Return the least processor time of some tries, in seconds; the first is not counted."""
    work()
    seconds = []
    for _ in range(TRIES):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)
