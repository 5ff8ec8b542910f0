"""The `thighdx` command: its sub-commands and what happens when one of them fails."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from thighdx import __version__
from thighdx.cli.ask import ask
from thighdx.cli.case_report import report
from thighdx.cli.diagnose import diagnose
from thighdx.cli.fhir import fhir_app
from thighdx.cli.learn import learn
from thighdx.cli.model import model_app
from thighdx.cli.output import say
from thighdx.cli.score import score
from thighdx.cli.simulate import simulate
from thighdx.cli.warm import warm
from thighdx.errors import CompiledFileWarning, KnowledgeBaseError, ThighdxError

__all__ = ["app", "main"]

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE

EPILOG = (
    "Exit codes: 0 done (rows that could not be scored are kept and have a status); 1 'model check' found "
    "problems; 2 bad input or an unwritable output; 130 interrupted; 141 the reader of the output went away. "
    "Not a medical device, and not reviewed by clinicians."
)


class _Commands(TyperGroup):
    """Turns errors that thighdx raises on purpose, and those of files, into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            value = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _silence_output()
            raise typer.Exit(EXIT_BROKEN_PIPE) from None
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except (ThighdxError, OSError, MemoryError) as error:
            say(f"thighdx: error: {_message(error)}")
            raise typer.Exit(EXIT_BAD_INPUT) from None
        return value


def _silence_output() -> None:
    """Let the interpreter flush into nothing at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: BaseException) -> str:
    """Say what went wrong, in full."""
    if isinstance(error, KnowledgeBaseError):
        count = "1 problem" if len(error.problems) == 1 else f"{len(error.problems)} problems"
        lines = [f"  {problem}" for problem in error.problems]
        return "\n".join([f"{error.source}: {count}", *lines])
    if isinstance(error, MemoryError):
        return "out of memory; give the table in parts, or free memory"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {(error.strerror or type(error).__name__).lower()}"
    return str(error)


app = typer.Typer(
    cls=_Commands,
    name="thighdx",
    help="Exact diagnostic reasoning about pain and muscle spasm in the back of the thigh.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(diagnose)
app.command()(ask)
app.command()(score)
app.command()(report)
app.command()(simulate)
app.command()(learn)
app.command()(warm)
app.add_typer(model_app, name="model")
app.add_typer(fhir_app, name="fhir")


def _show_version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        typer.echo(f"thighdx {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Take the options that come before the name of a command."""


def _warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> str:
    """Write what a person can mend on a line of its own; everything else with its place in the code."""
    if issubclass(category, CompiledFileWarning):
        return f"{message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"


def main() -> None:
    """Run the command line; the entry point of the installed package."""
    for stream in (sys.stdout, sys.stderr):
        # an old code page lacks some characters; a question mark is better than a traceback
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    warnings.formatwarning = _warning  # type: ignore[assignment]  # takes and ignores the line of code
    try:
        app(prog_name="thighdx")
    except SystemExit as ended:
        if ended.code and threading.active_count() > 1:
            # what other threads are still working on is of no use any more: do not wait for it
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(ended.code if isinstance(ended.code, int) else 1)
        raise
