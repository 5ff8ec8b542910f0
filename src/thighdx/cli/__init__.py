"""The command line: parse, call, print.

Results go to standard output, messages to standard error. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

from thighdx.cli.app import app, main

__all__ = ["app", "main"]
