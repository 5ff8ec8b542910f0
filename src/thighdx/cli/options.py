"""Options that several commands share, and the model they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["ModelOption", "SettingOption", "open_model"]

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PATH",
        help="Folder of a model, or the name of a shipped one.",
        show_default="shipped",
    ),
]
SettingOption = Annotated[
    str | None,
    typer.Option(
        "--setting",
        "-s",
        metavar="SETTING",
        help="Where the patient was seen.",
        show_default="the model's own",
    ),
]


def open_model(name: str | None, *, max_causes: int | None = None) -> Model:
    """Load the shipped model, another shipped one, or the model of a folder."""
    from thighdx.kb.resources import shipped_models
    from thighdx.model import load_model, read_model

    if name is None:
        return load_model(max_causes=max_causes)
    if not Path(name).exists() and name in shipped_models():
        return load_model(name, max_causes=max_causes)
    return read_model(name, max_causes=max_causes)
