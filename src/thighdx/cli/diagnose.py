"""`thighdx diagnose`: one case from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from thighdx.cli.details import detail_data, print_advice, print_intervals, print_open_questions, print_why
from thighdx.cli.options import ModelOption, SettingOption, open_model
from thighdx.cli.output import bar, console, paragraph, percent, plain_table, write
from thighdx.errors import EvidenceError, nearest_hint
from thighdx.reasoning.intervals.level import check_level

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.model import Model
    from thighdx.result import Result

__all__ = ["diagnose", "parse_findings"]

# Smaller groups and explanations say little about the case and would only fill the screen.
SHOWN_GROUP = 0.02
SHOWN_EXPLANATION = 0.01
N_EXPLANATIONS = 5
N_QUESTIONS = 3
N_REASONS = 3
BAR_WIDTHS = (10, 20)  # up to 100 columns, beyond


def diagnose(
    findings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE...",
            help="What is known: bruising=present onset=sudden age=34. Uncertain: onset:sudden=0.7 "
            "onset:gradual=0.2 and so on, a likelihood for every state.",
            show_default=False,
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
        typer.Option("--explain", metavar="CAUSE", help="What speaks for and against a cause; repeatable."),
    ] = None,
    advice: Annotated[bool, typer.Option("--advice", help="What to do; --json always has it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the whole result as JSON.")] = False,
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
    result = loaded.diagnose(evidence, setting=setting)
    if as_json:
        data = result.to_dict() | detail_data(result, interval, explain or [])
        typer.echo(json.dumps(data, indent=2, allow_nan=False))
        return
    out = console()
    _print(out, loaded, result, top)
    if interval is not None:
        print_intervals(out, loaded, result, interval, top)
    print_why(out, result, explain or [])
    if advice:
        print_advice(out, result)
    _print_end(out, loaded, result)


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


def _print(out: Console, model: Model, result: Result, top: int) -> None:
    """Print a result for reading."""
    write(out, f"{model.name} {model.version} ({model.digest[:12]}), setting {result.setting}", style="dim")
    known = [
        f"{name}={value if isinstance(value, str) else _weights(value)}"
        for name, value in result.evidence.items()
    ]
    write(out, paragraph(f"Known: {', '.join(known) or 'nothing'}", out.width, hanging="       "))
    _print_urgency(out, result)
    _print_causes(out, model, result, top)
    _print_explanations(out, model, result)
    _print_groups(out, model, result)
    _print_questions(out, result)
    print_open_questions(out, result)


def _print_end(out: Console, model: Model, result: Result) -> None:
    """Print warnings and the disclaimer."""
    for warning in result.warnings:
        out.print()
        write(out, paragraph(f"Note: {warning.message}", out.width, hanging="      "), style="yellow")
    out.print()
    write(out, paragraph(model.disclaimer, out.width), style="dim")


def _print_urgency(out: Console, result: Result) -> None:
    """Print how urgent the case is and what decided that."""
    out.print()
    write(out, paragraph(result.triage.words, out.width), style="bold")
    for reason in result.triage.deciding[:N_REASONS]:
        write(out, paragraph(f"- {reason.words}", out.width, hanging="  "))


def _print_questions(out: Console, result: Result) -> None:
    """Print what to ask next."""
    questions = result.next_questions(N_QUESTIONS).best
    if questions:
        out.print()
        write(out, "Best questions to ask next", style="bold")
    for item in questions:
        line = f"{item.gain_bits:.2f} bits  {item.text} ({item.variable})"
        write(out, paragraph(line, out.width, hanging="           "))


def _weights(value: dict[str, float]) -> str:
    """Write virtual evidence."""
    return "{" + ", ".join(f"{state}: {weight:g}" for state, weight in value.items()) + "}"


def _print_causes(out: Console, model: Model, result: Result, top: int) -> None:
    """Print the leading causes; what is not in the list of causes stands apart, without a rank."""
    width = BAR_WIDTHS[out.width >= 100]
    prior, posterior = result.prior, result.posterior
    table = plain_table()
    table.add_column("cause", overflow="fold")
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, width=width, style="cyan")
    table.add_column("before", justify="right", no_wrap=True)
    leading = [str(cause) for cause in result.top(top).index]
    rest = result.model.residual_cause
    urgent = [reason.cause for reason in result.triage.deciding if reason.cause not in ("", rest)]
    for cause in dict.fromkeys([*leading, *urgent]):
        value = float(posterior[cause])
        table.add_row(
            model.causes[cause].label,
            percent(value),
            bar(value, width),
            percent(float(prior[cause])),
            style="bold",
        )
    if rest in model.causes:
        label = f"({model.causes[rest].label}; never ranked)"
        table.add_row(label, percent(float(posterior[rest])), "", percent(float(prior[rest])), style="dim")
    out.print()
    out.print(table)


def _print_explanations(out: Console, model: Model, result: Result) -> None:
    """Print the most probable sets of causes."""
    table = plain_table(header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for item in result.explanations(N_EXPLANATIONS):
        if item.probability >= SHOWN_EXPLANATION:
            labels = " + ".join(model.causes[cause].label for cause in item.causes)
            table.add_row(percent(item.probability), labels if len(item.causes) > 1 else f"{labels} alone")
    if table.row_count:
        out.print()
        write(out, "Most probable explanations", style="bold")
        out.print(table)


def _print_groups(out: Console, model: Model, result: Result) -> None:
    """Print the probability that any member of a group is present."""
    labels = {group.id: group.label for group in model.compiled.kb.groups}
    table = plain_table(header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for group, value in result.groups.sort_values(ascending=False, kind="stable").items():
        if value >= SHOWN_GROUP or group == result.model.must_not_miss_group:
            table.add_row(percent(float(value)), labels[str(group)])
    if table.row_count:
        out.print()
        write(out, "Groups (any member present)", style="bold")
        out.print(table)
