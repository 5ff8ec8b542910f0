"""Options that several commands share, what a shell offers for them at Tab, and the model they name."""

from __future__ import annotations

import contextlib
import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thighdx.errors import OptionError, ThighdxError
from thighdx.kb.records import COST_TIERS

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = [
    "MaxCostOption",
    "ModelOption",
    "QuietOption",
    "SettingOption",
    "complete_causes",
    "complete_findings",
    "open_model",
    "read_day",
]


def open_model(name: str | None, *, max_causes: int | None = None) -> Model:
    """Load the shipped model, another shipped one, or the model of a folder."""
    from thighdx.kb.resources import shipped_models
    from thighdx.model import load_model, read_model

    if name is None:
        return load_model(max_causes=max_causes)
    if not Path(name).exists() and name in shipped_models():
        return load_model(name, max_causes=max_causes)
    return read_model(name, max_causes=max_causes)


def read_day(text: str | None, option: str) -> datetime.date | None:
    """Read a date that an option was given, if it was."""
    try:
        return None if text is None else datetime.date.fromisoformat(text)
    except ValueError:
        raise OptionError(f"{option}: got {text!r}, expected a date such as 2026-01-31") from None


def complete_findings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer NAME= and, after it, the states of NAME.

    Bash cuts words at ``=``: there, what is offered after it is the state alone.
    """
    model = _model(ctx)
    if model is None:
        return []
    before = [*(ctx.params.get("findings") or ctx.params.get("known") or [])]
    name, equals, typed = incomplete.partition("=")
    kept = name + equals
    # bash, at the sign: what is incomplete is then said to be nothing at all; its script puts words on lines
    if before and os.environ.get("COMP_WORDS", "").split()[-2:] == [before[-1], "="]:
        name, kept = before[-1], ""
    elif before[-1:] == ["="]:  # bash, beyond it
        name, typed, kept = "".join(before[-2:-1]), incomplete, ""
    elif not equals:
        return [f"{known}=" for known in [*model.variables, "age"] if known.startswith(incomplete)]
    variable = model.variables.get(name) or model.causes.get(name)
    return [f"{kept}{state}" for state in (variable.states if variable else ()) if state.startswith(typed)]


def complete_causes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer causes."""
    model = _model(ctx)
    return [] if model is None else [cause for cause in model.causes if cause.startswith(incomplete)]


def complete_settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer settings."""
    model = _model(ctx)
    return [] if model is None else [name for name in model.settings if name.startswith(incomplete)]


def complete_models(incomplete: str) -> list[str]:
    """Offer shipped models; folders are completed by the shell."""
    from thighdx.kb.resources import shipped_models

    return [name for name in shipped_models() if name.startswith(incomplete)]


def _model(ctx: typer.Context) -> Model | None:
    """Open the model of the line; a line that is not finished is never an error."""
    with contextlib.suppress(ThighdxError, OSError):
        return open_model(ctx.params.get("model"))
    return None


ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PATH",
        help="Folder of a model, or the name of a shipped one.",
        show_default="shipped",
        autocompletion=complete_models,
    ),
]
SettingOption = Annotated[
    str | None,
    typer.Option(
        "--setting",
        "-s",
        metavar="SETTING",
        help="Where the patient was seen.",
        show_default="the model's own",
        autocompletion=complete_settings,
    ),
]
MaxCostOption = Annotated[
    str, typer.Option("--max-cost", metavar="TIER", help=f"Dearest question: {', '.join(COST_TIERS)}.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but warnings and errors.")]
