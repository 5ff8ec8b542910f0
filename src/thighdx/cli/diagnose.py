"""`thighdx diagnose`: one case from the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thighdx.cli.options import ModelOption, SettingOption, complete_causes, complete_findings, open_model
from thighdx.cli.output import console
from thighdx.cli.printed_result import (
    print_advice,
    print_end,
    print_everything,
    print_intervals,
    print_next_question,
    print_result,
    print_why,
)
from thighdx.errors import EvidenceError, nearest_hint
from thighdx.reasoning.intervals.level import check_level

if TYPE_CHECKING:
    from thighdx.model import Model
    from thighdx.result import Result

__all__ = ["diagnose", "parse_findings"]


def diagnose(
    findings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE...",
            help="What is known: bruising=present onset=sudden age=34. Uncertain: onset:sudden=0.7 "
            "onset:gradual=0.2 and so on, a likelihood for every state.",
            show_default=False,
            autocompletion=complete_findings,
        ),
    ] = None,
    setting: SettingOption = None,
    model: ModelOption = None,
    top: Annotated[int, typer.Option(min=1, help="How many causes to show.")] = 5,
    interval: Annotated[
        float | None,
        typer.Option(
            "--interval",
            metavar="LEVEL",
            help="Credible intervals of the leading causes, such as 0.9; takes some seconds.",
        ),
    ] = None,
    explain: Annotated[
        list[str] | None,
        typer.Option(
            "--explain",
            metavar="CAUSE",
            help="What speaks for and against a cause; repeatable.",
            autocompletion=complete_causes,
        ),
    ] = None,
    advice: Annotated[bool, typer.Option("--advice", help="What to do; --json always has it.")] = False,
    show_all: Annotated[
        bool,
        typer.Option("--all", help="More than one screen: sets of causes, groups, questions that are open."),
    ] = False,
    ignore_unknown: Annotated[
        bool,
        typer.Option("--ignore-unknown", help="Leave out names that the model does not know, and say so."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the whole result as JSON.")] = False,
    include: Annotated[
        str | None,
        typer.Option(
            "--include",
            metavar="PARTS",
            help="With --json: these parts alone, with commas, such as posterior,triage.",
        ),
    ] = None,
) -> None:
    """Ask about one case: how probable every cause is, given what is known.

    What is not mentioned is unknown, which is not the same as absent. 'thighdx model show' lists the causes,
    'thighdx model show --findings' what can be known.
    """
    if interval is not None:
        check_level(interval, "--interval")
    evidence = parse_findings(findings or [])
    loaded = open_model(model)
    for cause in explain or []:
        loaded.vocabulary.cause_idx(cause)
    _check_states(loaded, evidence)
    result = loaded.diagnose(evidence, setting=setting, ignore_unknown=ignore_unknown)
    if as_json:
        parts = None if include is None else [part.strip() for part in include.split(",")]
        data = result.to_dict(include=parts) | _details(result, interval, explain or [])
        typer.echo(json.dumps(data, indent=2, allow_nan=False))
        return
    out = console()
    print_result(out, loaded, result, top=top)
    if show_all:
        print_everything(out, loaded, result)
    else:
        print_next_question(out, result)
    if interval is not None:
        print_intervals(out, loaded, result, interval, top)
    print_why(out, result, explain or [])
    if advice:
        print_advice(out, result)
    print_end(out, result)


def parse_findings(words: list[str]) -> dict[str, object]:
    """Turn NAME=VALUE and NAME:STATE=LIKELIHOOD into evidence.

    Raises
    ------
    EvidenceError
        At the first word that is neither, or that repeats another.

    Examples
    --------
    >>> parse_findings(["bruising=present", "onset:sudden=0.7", "onset:gradual=0.2"])
    {'bruising': 'present', 'onset': {'sudden': 0.7, 'gradual': 0.2}}
    """
    found: dict[str, object] = {}
    likelihoods: dict[str, dict[str, float]] = {}
    for word in words:
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not key:
            raise EvidenceError(
                f"{word!r}: expected NAME=VALUE, such as bruising=present, age=34 or onset:sudden=0.7"
            )
        name, colon, state = (part.strip() for part in key.partition(":"))
        if name == "setting":
            raise EvidenceError(f"{word!r}: the setting is an option; write --setting {value}")
        if name in found or state in likelihoods.get(name, {}) or (not colon and name in likelihoods):
            raise EvidenceError(f"{word!r}: {name} is given twice; leave one of them out")
        if colon:
            likelihoods.setdefault(name, {})[state] = _likelihood(word, value)
        else:
            found[name] = value
    return found | likelihoods


def _check_states(model: Model, evidence: dict[str, object]) -> None:
    """Point at a state that does not exist, rather than at the one it stands in for."""
    for name, weights in evidence.items():
        variable = model.variables.get(name) or model.causes.get(name)
        if variable is None or not isinstance(weights, dict):
            continue
        for state in weights:
            if state not in variable.states:
                hint = nearest_hint(state, variable.states)
                expected = f"{name}: got the state {state!r}, expected one of {', '.join(variable.states)}"
                raise EvidenceError(expected + (f"; {hint}" if hint else ""))


def _likelihood(word: str, value: str) -> float:
    """Read the likelihood of one state."""
    try:
        return float(value)
    except ValueError:
        raise EvidenceError(f"{word!r}: got {value!r}, expected a likelihood, a number from 0 on") from None


def _details(result: Result, interval: float | None, causes: Sequence[str]) -> dict[str, Any]:
    """Return what was asked for on top of `Result.to_dict`, as plain data."""
    found: dict[str, Any] = {}
    if interval is not None:
        table = result.interval(interval).to_frame().reset_index()
        found["interval"] = {"level": interval, "causes": table.to_dict(orient="records")}
    if causes:
        found["explain"] = {cause: result.explain(cause).to_dict() for cause in causes}
    return found
