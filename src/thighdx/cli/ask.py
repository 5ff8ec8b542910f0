"""`thighdx ask`: an interview on the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from thighdx.cli.diagnose import parse_findings
from thighdx.cli.options import MaxCostOption, ModelOption, SettingOption, complete_findings, open_model
from thighdx.errors import TableError, choice_fault
from thighdx.kb.records import COST_TIERS

__all__ = ["ask"]


def ask(
    known: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE...",
            help="What is known beforehand and need not be asked.",
            autocompletion=complete_findings,
        ),
    ] = None,
    setting: SettingOption = None,
    model: ModelOption = None,
    max_cost: MaxCostOption = "ask",
) -> None:
    """Ask the best next question until the answer is stable; reads one answer per line.

    Safety questions come early. Answer with a number, a word or yes/no; ? don't know, back, why, stop.
    """
    from thighdx.cli.interview import run_interview

    if max_cost not in COST_TIERS:
        raise TableError(choice_fault("--max-cost", max_cost, COST_TIERS))
    run_interview(
        open_model(model),
        sys.stdin,
        known=parse_findings(known or []),
        setting=setting,
        max_cost=max_cost,
    )
