"""What every command writes with: two consoles, numbers for reading, errors on one line each."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from thighdx.atomic_files import write_text
from thighdx.files.formats import STANDARD_INPUT, STANDARD_STREAM
from thighdx.text import percent, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = [
    "add_numbers",
    "bar",
    "console",
    "named_state",
    "percent",
    "plain_table",
    "read_bytes",
    "say",
    "write",
    "write_output",
    "write_wrapped",
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


def read_bytes(name: str, at_most: int = -1) -> tuple[bytes, str]:
    """Return what a file or, for ``-``, standard input holds, and what to call it."""
    if name == STANDARD_STREAM:
        return sys.stdin.buffer.read(at_most), STANDARD_INPUT
    with Path(name).open("rb") as stream:
        return stream.read(at_most), name


def write_output(text: str, name: str) -> None:
    """Write a text to a file, complete or not at all, or for ``-`` to standard output."""
    if name == STANDARD_STREAM:
        sys.stdout.buffer.write(text.encode())
    else:
        write_text(text, name)


def say(message: str) -> None:
    """Write a message to standard error as it is: one line stays one line."""
    sys.stderr.write(f"{message}\n")


def write(out: Console, text: str, *, style: str | None = None) -> None:
    """Print lines that are as long as they should be; a long address is never broken."""
    out.print(text, style=style, soft_wrap=True)


def plain_table(*names: str, header: bool = True) -> Table:
    """Return an empty table with air between the columns and no lines, and columns of text that is never cut."""
    from rich.table import Table

    table = Table(box=None, show_header=header, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def add_numbers(table: Table, *names: str) -> None:
    """Add columns of numbers, one below the other."""
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)


def write_wrapped(
    out: Console, text: str, *, indent: str = "", hanging: str | None = None, style: str | None = None
) -> None:
    """Print a text in lines of the window; those after the first are indented by `hanging`."""
    lines = textwrap.fill(
        text,
        width=max(out.width, 40),
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    write(out, lines, style=style)


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
