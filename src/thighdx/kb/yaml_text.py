"""YAML 1.2 that somebody else wrote, read with one kind of error for whatever is wrong with it."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

__all__ = ["load_yaml"]

# What constructors of explicit tags raise besides: `!!bool maybe` a KeyError, `!!timestamp soon` an AttributeError.
_TAG_ERRORS = (LookupError, TypeError, AttributeError, ArithmeticError)


def load_yaml(text: str) -> Any:
    """Return what the text says as plain data.

    Raises
    ------
    ValueError
        If it is not YAML, is nested too deeply, or a tag does not fit its value; says what on one line.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except _TAG_ERRORS as error:
        raise ValueError(f"a value does not fit its tag ({type(error).__name__}: {_line(error)})") from None
    except (YAMLError, RecursionError, ValueError) as error:
        raise ValueError(_line(error)) from None


def _line(error: Exception) -> str:
    """Return a message on one line of reasonable length."""
    return " ".join(str(error).split())[:300] or type(error).__name__
