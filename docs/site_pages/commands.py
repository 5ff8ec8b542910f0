"""The command line, from the help of its commands."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import click
import typer

from site_pages.markdown import escape, table
from thighdx.cli.app import app

__all__ = ["commands_page"]

PLACEHOLDERS = {"<int range>": "N", "<int>": "N", "<float range>": "X", "<float>": "X", "<str>": "TEXT"}


def commands_page() -> str:
    """Return every command with its arguments and options."""
    root = typer.main.get_command(app)
    text = f"# Command line\n\n{root.help}\n\n{root.epilog}\n\n`thighdx --version` prints the version.\n"
    return text + "".join(_section(command, name) for name, command in _commands(root, "thighdx"))


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with the words that call it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word, sub in inner.items():
        yield from _commands(sub, f"{name} {word}")


def _section(command: click.Command, name: str) -> str:
    """Return one command."""
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    paragraphs = (command.help or "").replace("\b\n", "").strip()
    text = f"\n## {name}\n\n```text\n{usage}\n```\n\n{escape_lines(paragraphs)}\n\n"
    rows = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        shown, words = record or (parameter.make_metavar(context), getattr(parameter, "help", "") or "")
        if parameter.param_type_name == "argument":
            shown = re.sub(r" <.*>$| N$", "", shown)
        for kind, word in PLACEHOLDERS.items():
            shown = shown.replace(kind, word)
        rows.append([f"<code>{html.escape(shown).replace('|', '&#124;')}</code>", escape(words)])
    return text + (table(("argument or option", "meaning"), rows) if rows else "")


def escape_lines(text: str) -> str:
    """Escape every paragraph by itself."""
    return "\n\n".join(escape(part) for part in text.split("\n\n"))
