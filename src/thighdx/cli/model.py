"""`thighdx model`: build, check, show and trace a knowledge base."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thighdx.cli.form import form
from thighdx.cli.options import ModelOption, SettingOption, complete_causes, open_model
from thighdx.cli.output import console, percent, write
from thighdx.cli.review import review
from thighdx.errors import CompiledFileWarning, KnowledgeBaseError, TableError
from thighdx.kb.tables import COMPILED_FILE
from thighdx.text import exact_percent

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.compiled.compiled_model import CompiledModel

__all__ = ["model_app"]

N_DISAGREEMENTS = 5
NOTABLE_DISAGREEMENT = 0.5  # 1 - overlap of what the experts believe
EXIT_PROBLEMS = 1

model_app = typer.Typer(
    help="Build, check, show and trace a knowledge base.", no_args_is_help=True, rich_markup_mode=None
)

model_app.command()(form)
model_app.command()(review)

Folder = Annotated[Path, typer.Argument(metavar="PATH", help="Folder with model.yaml and its tables.")]


@model_app.command()
def build(path: Folder) -> None:
    """Fit and solve a knowledge base once and write compiled.bin beside its tables."""
    from thighdx.compiled.compilation import compile_model, write_compiled

    started = time.perf_counter()
    compiled = compile_model(path)
    written = write_compiled(compiled, path)
    seconds = time.perf_counter() - started
    out = console()
    write(out, f"{_counts(compiled)}")
    _print_fits(out, compiled)
    write(out, f"Digest: {compiled.kb.digest}")
    write(out, f"Written: {written} ({seconds:.1f} s)")


@model_app.command()
def check(path: Folder) -> None:
    """Find everything wrong with a knowledge base: one problem per line, exit code 1 if there is any."""
    from thighdx.compiled.compilation import compare_compiled, compile_model
    from thighdx.compiled.stored import load_compiled

    if not path.is_dir():
        raise TableError(f"{path}: no such folder; give the folder that holds model.yaml")
    try:
        compiled = compile_model(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CompiledFileWarning)  # said below
            stored = load_compiled(path)
        problems = [] if stored is None else compare_compiled(stored, compiled)
        if problems:
            raise KnowledgeBaseError(str(path), problems)
    except KnowledgeBaseError as error:
        for problem in error.problems:
            typer.echo(str(problem))
        raise typer.Exit(EXIT_PROBLEMS) from None
    typer.echo(f"OK: {_counts(compiled)}")
    if stored is None:
        reason = "is missing, or was made from other tables or by another version of thighdx"
        typer.echo(f"{COMPILED_FILE} {reason}: run thighdx model build {path}", err=True)


def _counts(compiled: CompiledModel) -> str:
    """Say how large a knowledge base is."""
    kb = compiled.kb
    layers = {v.layer: 0 for v in kb.variables}
    for variable in kb.variables:
        layers[variable.layer] += 1
    plural = {"pathology": "pathologies"}
    listed = ", ".join(
        f"{n} {layer if n == 1 else plural.get(layer, layer + 's')}" for layer, n in layers.items()
    )
    settings = f"{len(kb.manifest.settings)} setting{'s' if len(kb.manifest.settings) > 1 else ''}"
    return (
        f"{kb.manifest.name} {kb.manifest.version}: {listed}, {settings}; "
        f"{len(kb.judgements):,} judgement rows make {len(compiled.pooled):,} numbers"
    )


def _print_fits(out: Console, compiled: CompiledModel) -> None:
    """Print how well the stated quantiles are fitted and where the experts are far apart."""
    from thighdx.elicitation.report import elicitation_report

    report = elicitation_report(compiled.kb, compiled.pooled)
    stated = report[~report["filled"]]
    two_piece = int(stated["family"].str.startswith("two_piece").sum())
    share = percent(two_piece / max(1, len(stated)))
    write(out, f"Fits: {len(stated):,}, of which {two_piece:,} two-piece ({share})")
    for row in stated.nlargest(1, "miss").to_dict("records"):
        where = f"{row['table']} {row['key']}, {row['expert']}"
        write(out, f"Largest miss of a stated quantile: {percent(row['miss'])} ({where})")
    several = stated.dropna(subset=["disagreement"])
    numbers = several.drop_duplicates(["table", "key"])
    far = numbers[numbers["disagreement"] > NOTABLE_DISAGREEMENT]
    apart = far.sort_values(["disagreement", "median_gap"], ascending=False).head(N_DISAGREEMENTS)
    if len(apart):
        several_said = (
            f"{len(numbers):,} numbers were judged by several experts, {len(far):,} with an overlap below"
        )
        write(out, f"Largest disagreements ({several_said} {exact_percent(1 - NOTABLE_DISAGREEMENT)}):")
    for row in apart.to_dict("records"):
        same = several[(several["table"] == row["table"]) & (several["key"] == row["key"])]
        medians = ", ".join(f"{item['expert']} {item['stated_q50']:.3g}" for item in same.to_dict("records"))
        overlap = percent(1.0 - row["disagreement"], 0)
        write(out, f"  {row['table']} {row['key']}: medians {medians}; overlap {overlap}")


@model_app.command()
def diff(
    old: Folder,
    new: Folder,
    cases: Annotated[
        Path | None,
        typer.Option(
            "--cases", metavar="FILE", help="CSV of cases that both are asked about.", show_default="shipped"
        ),
    ] = None,
) -> None:
    """Show which judgements differ between two models, and how cases move."""
    from thighdx.cli.cases import read_cases
    from thighdx.compiled.difference import diff_models

    models = [open_model(str(path)) for path in (old, new)]
    found = diff_models(models[0].compiled, models[1].compiled, read_cases(cases, models[0]))
    out = console()
    for line in repr(found).splitlines():
        write(out, line)


@model_app.command()
def show(
    cause: Annotated[
        str | None,
        typer.Argument(
            metavar="[CAUSE]", help="Id of a cause.", show_default=False, autocompletion=complete_causes
        ),
    ] = None,
    model: ModelOption = None,
    setting: SettingOption = None,
    findings: Annotated[bool, typer.Option("--findings", help="List everything that can be known.")] = False,
) -> None:
    """Show a model, or everything it knows about one cause."""
    from thighdx.cli.cause_page import print_cause
    from thighdx.cli.overview import print_findings, print_overview

    loaded = open_model(model)
    name = loaded.default_setting if setting is None else setting
    loaded.vocabulary.setting_code(name)
    if findings:
        print_findings(console(), loaded)
    elif cause is None:
        print_overview(console(), loaded, setting=name)
    else:
        print_cause(console(), loaded, cause, setting=name)


@model_app.command()
def trace(
    cause: Annotated[
        str, typer.Argument(metavar="CAUSE", help="Id of a cause.", autocompletion=complete_causes)
    ],
    model: ModelOption = None,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv", metavar="FILE", help="Write a table to this file instead, or - .", show_default=False
        ),
    ] = None,
) -> None:
    """Show every judgement about a cause: who said what, and on what grounds."""
    from thighdx.cli.judgements import print_judgements, write_judgements

    loaded = open_model(model)
    if csv is None:
        print_judgements(console(), loaded, cause)
    else:
        write_judgements(loaded, cause, csv)
