"""Where the shipped models and data are: inside an installed package, or beside `src` in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from thighdx.errors import UnknownNameError, nearest_hint

__all__ = ["data_path", "model_path", "shipped_models"]


def _home(kind: Literal["models", "data"]) -> Path:
    """Return the folder of shipped models or data."""
    package = Path(__file__).resolve().parent.parent
    inside = package / kind
    return inside if inside.is_dir() else package.parents[1] / kind


def shipped_models() -> list[str]:
    """Return the names of the models that come with thighdx.

    Examples
    --------
    >>> shipped_models()
    ['posterior_thigh']
    """
    return sorted(folder.parent.name for folder in _home("models").glob("*/model.yaml"))


def model_path(name: str) -> Path:
    """Return the folder of a shipped model.

    Parameters
    ----------
    name : str
        One of `shipped_models`.

    Raises
    ------
    UnknownNameError
        If no such model is shipped.
    """
    names = shipped_models()
    if name not in names:
        hint = nearest_hint(name, names) or f"shipped: {', '.join(names)}"
        raise UnknownNameError(f"no shipped model {name!r}; {hint}; thighdx.read_model(path) reads a folder")
    return _home("models") / name


def data_path(name: str) -> Path:
    """Return a shipped data file, such as ``published_cases.csv``.

    Parameters
    ----------
    name : str
        Of the file.

    Raises
    ------
    UnknownNameError
        If no such file is shipped.
    """
    names = sorted(file.name for file in _home("data").iterdir() if file.is_file())
    if name not in names:
        hint = nearest_hint(name, names) or f"shipped: {', '.join(names)}"
        raise UnknownNameError(f"no shipped data file {name!r}; {hint}")
    return _home("data") / name
