"""`thighdx model show`: a model as a whole."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from thighdx.cli.output import add_numbers, percent, plain_table, write, write_wrapped
from thighdx.kb.records import LAYERS

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.model import Model

__all__ = ["print_findings", "print_overview"]

LAYER_NAMES = {
    "context": "contexts (who the patient is, exposures, drugs)",
    "pathology": "pathologies (what imaging would show)",
    "cause": "causes",
    "finding": "findings (history and examination)",
    "test": "tests",
}


def print_overview(out: Console, model: Model, *, setting: str) -> None:
    """Print size, experts, settings, groups and the shares of the causes."""
    manifest = model.compiled.kb.manifest
    write(out, manifest.title, style="bold")
    write_wrapped(out, repr(model)[1:-1].removeprefix("thighdx.Model "), style="dim")
    _print_layers(out, model)
    _print_pairs(out, "Settings", {s.id: s.label for s in manifest.settings})
    _print_pairs(out, "Experts", {e.id: f"{e.label} ({e.role})" for e in manifest.experts})
    _print_pairs(
        out, "Groups", {g.id: f"{g.label}: {len(g.members)} causes" for g in model.compiled.kb.groups}
    )
    _print_shares(out, model, setting)
    out.print()
    write_wrapped(out, manifest.disclaimer, style="dim")


def _print_layers(out: Console, model: Model) -> None:
    """Print how many variables there are, and how many numbers."""
    kb = model.compiled.kb
    counts = Counter(v.layer for v in kb.variables)
    numbers = Counter(table for table, _ in model.compiled.pooled)
    table = plain_table(header=False)
    add_numbers(table, "")
    table.add_column(overflow="fold")
    for layer in LAYERS:
        if counts[layer]:
            table.add_row(str(counts[layer]), LAYER_NAMES[layer])
    table.add_row(
        f"{model.network.explanations.n_explanations:,}", f"explanations of up to {model.max_causes} causes"
    )
    listed = ", ".join(f"{n:,} {name}" for name, n in numbers.items())
    table.add_row(
        f"{sum(numbers.values()):,}", f"numbers from {len(kb.judgements):,} judgement rows: {listed}"
    )
    out.print()
    out.print(table)


def _print_pairs(out: Console, title: str, pairs: dict[str, str]) -> None:
    """Print ids beside what they stand for."""
    if not pairs:
        return
    table = plain_table(header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", style="dim")
    for key, text in pairs.items():
        table.add_row(key, text)
    out.print()
    write(out, title, style="bold")
    out.print(table)


def _print_shares(out: Console, model: Model, setting: str) -> None:
    """Print P(cause | complaint) in every setting, the commonest in `setting` first."""
    spec = model.network.spec
    column = spec.settings.index(setting)
    table = plain_table()
    table.add_column("cause", no_wrap=True)
    add_numbers(table, *(name.replace("_", "\n") for name in spec.settings))
    for i in sorted(range(len(spec.causes)), key=lambda i: -spec.shares[column, i]):
        table.add_row(spec.causes[i], *(percent(float(share)) for share in spec.shares[:, i]))
    table.add_row("sum", *(percent(float(total)) for total in spec.shares.sum(axis=1)), style="bold")
    out.print()
    write(out, f"How common each cause is among patients with the complaint (by {setting})", style="bold")
    out.print(table)


def print_findings(out: Console, model: Model) -> None:
    """Print everything that can be evidence, with its states, by layer."""
    for layer in LAYERS:
        chosen = [v for v in model.variables.values() if v.layer == layer]
        if not chosen:
            continue
        table = plain_table(header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold", style="dim")
        for variable in chosen:
            states = (
                "" if variable.states[0] in ("absent", "negative") and len(variable.states) == 2 else ": "
            )
            table.add_row(variable.id, variable.label + (states and states + " | ".join(variable.states)))
        write(out, LAYER_NAMES[layer].capitalize(), style="bold")
        out.print(table)
        out.print()
    write(
        out,
        "States are absent and present (tests: negative and positive) where no others are named.",
        style="dim",
    )
