"""What every command writes with: two consoles, numbers for reading, errors on one line each."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from thighdx.text import percent, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = [
    "bar",
    "console",
    "named_state",
    "paragraph",
    "percent",
    "plain_table",
    "say",
    "write",
]

# Width of lines that go to a file or a pipe: nobody's window, so nothing is squeezed.
PIPE_WIDTH = 120


def console(*, to_stderr: bool = False) -> Console:
    """Return a console on standard output or standard error as they are now.

    Colors appear on a terminal only; COLUMNS overrules the width.
    """
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            """Leave the exit code to `thighdx.cli.app`."""
            raise BrokenPipeError

    stream = sys.stderr if to_stderr else sys.stdout
    is_sized = stream.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return Plain(
        file=stream,
        width=None if is_sized else PIPE_WIDTH,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )


def say(message: str) -> None:
    """Write a message to standard error as it is: one line stays one line."""
    sys.stderr.write(f"{message}\n")


def write(out: Console, text: str, *, style: str | None = None) -> None:
    """Print lines that are as long as they should be; a long address is never broken."""
    out.print(text, style=style, soft_wrap=True)


def plain_table(*, header: bool = True) -> Table:
    """Return an empty table with air between the columns and no lines."""
    from rich.table import Table

    return Table(
        box=None,
        show_header=header,
        header_style="dim",
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )


def paragraph(text: str, width: int, *, indent: str = "", hanging: str | None = None) -> str:
    """Wrap a text; lines after the first are indented by `hanging`."""
    return textwrap.fill(
        text,
        width=max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def bar(value: float, width: int) -> str:
    """Draw a probability as a bar; in characters that standard output can show."""
    return printable("█", "#") * round(width * value)


def named_state(variable: str, state: str, states: Sequence[str], *, is_last: bool = True) -> str:
    """Write a variable in a state: the state is left out where it only says that it is there.

    Examples
    --------
    >>> named_state("bruising", "present", ("absent", "present"))
    'bruising'
    >>> named_state("muscle_weakness", "mild", ("none", "mild", "marked"), is_last=False)
    'muscle_weakness>=mild'
    """
    if tuple(states) in (("absent", "present"), ("negative", "positive")) and state == states[-1]:
        return variable
    return f"{variable}{'=' if is_last else '>='}{state}"
