"""`thighdx report`: one case from a file to a page to hand on."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from thighdx.cli.options import ModelOption, SettingOption, open_model
from thighdx.cli.output import percent, write_output
from thighdx.errors import EvidenceError
from thighdx.files.formats import STANDARD_STREAM

if TYPE_CHECKING:
    from thighdx.result import Result

__all__ = ["report"]

ENDINGS = (".html", ".htm")
TODAY = "today"


def report(
    case: Annotated[
        str,
        typer.Argument(
            metavar="CASE",
            help="YAML file with the keys evidence, setting, id, title, date and max_causes; - for a pipe.",
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="Page to write (.html), or - for a pipe.")
    ],
    setting: SettingOption = None,
    model: ModelOption = None,
    intervals: Annotated[
        Literal["delta", "auto", "draws"],
        typer.Option(help="Credible intervals; anything but delta takes some seconds."),
    ] = "delta",
    date: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="Day to show on the page, as text; 'today' for today.", show_default=False
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Write a case as one page of HTML to hand on or print: it loads nothing and runs no script.

    What matters is on the first page, the rest is an appendix. --setting and --date take the place of what the
    file says. The page names no day unless one is given: the same case gives the same bytes.
    """
    from thighdx.cli.case_file import read_case_file

    _check_output(case, output)
    file = read_case_file(case)
    loaded = open_model(model, max_causes=file.max_causes)
    file.check(loaded, setting=setting)
    result = loaded.diagnose(file.evidence, setting=setting or file.setting)
    day = datetime.datetime.now().astimezone().date() if date == TODAY else date or file.date
    page = result.to_html(title=file.title, case_id=file.case_id, date=day, method=intervals)
    write_output(page, output)
    if not quiet and output != STANDARD_STREAM:
        typer.echo(f"Written: {output} ({_in_a_line(result)})")


def _check_output(case: str, output: str) -> None:
    """Refuse what is no page, and an output that is the input."""
    if output == STANDARD_STREAM:
        return
    ending = Path(output).suffix
    if ending.lower() not in ENDINGS:
        got = f"the ending {ending!r}" if ending else "no ending"
        raise EvidenceError(
            f"{output}: got {got}, expected .html, or - for a pipe; a browser prints it to PDF"
        )
    if case != STANDARD_STREAM and Path(case).exists() and Path(case).resolve() == Path(output).resolve():
        raise EvidenceError(f"{output}: is the input too; give another name for the page")


def _in_a_line(result: Result) -> str:
    """Say what the page says in a few words."""
    leading = result.top(1)
    cause, value = str(leading.index[0]), float(leading.iloc[0])
    return f"{result.triage.level}; {cause} {percent(value)}"
