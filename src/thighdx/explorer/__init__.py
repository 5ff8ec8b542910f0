"""An explorer for notebooks: click findings, see posteriors move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from thighdx.model import Model, load_model

if TYPE_CHECKING:
    from thighdx.explorer.widget import Explorer

__all__ = ["explore"]


def explore(
    model: Model | None = None, evidence: Mapping[str, object] | None = None, *, setting: str | None = None
) -> Explorer:
    """Return a notebook widget in which findings are clicked and posteriors move at once.

    Parameters
    ----------
    model : Model, optional
        Default: the model that comes with thighdx.
    evidence : mapping of str to object, optional
        What is known to begin with, as for `Model.diagnose`.
    setting : str, optional
        Where the patient was seen; default that of the model.

    Returns
    -------
    Explorer
        ``.result`` is the answer about what is shown, ``.evidence`` and ``.setting`` what is known; setting
        these moves the view.

    Raises
    ------
    ModuleNotFoundError
        Without the extra ``notebook``.
    EvidenceError
        If the evidence cannot be read or cannot be true together.

    Examples
    --------
    >>> widget = explore(evidence={"onset": "sudden", "bruising": True}, setting="sports_clinic")
    >>> widget.evidence = {**widget.evidence, "sprint_or_overstretch": True}
    >>> widget.result.posterior.index[0]
    'hamstring_strain'
    >>> widget.undo()
    >>> widget.evidence
    {'onset': 'sudden', 'bruising': 'present'}
    """
    try:
        from thighdx.explorer.widget import Explorer
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "thighdx":
            raise
        raise ModuleNotFoundError(
            f"thighdx.explore needs {error.name}, which is not installed; "
            "install the extra: pip install 'thighdx[notebook]'",
            name=error.name,
        ) from error
    return Explorer(load_model() if model is None else model, evidence=evidence, setting=setting)
