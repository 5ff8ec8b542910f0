"""Exact reasoning about pain and muscle spasm in the back of the thigh.

Load a model once, ask it about one case or a whole table:

>>> import thighdx
>>> model = thighdx.load_model()
>>> result = model.diagnose({"onset": "sudden", "sprint_or_overstretch": True, "bruising": True})
>>> result.posterior.index[0]
'hamstring_strain'

Not a medical device, and not reviewed by clinicians.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thighdx.first_use import importer

if TYPE_CHECKING:
    from thighdx.errors import (
        EvidenceError,
        ImpossibleEvidenceError,
        KnowledgeBaseError,
        TableError,
        ThighdxError,
        UnknownNameError,
    )
    from thighdx.evaluation.evaluation import evaluate
    from thighdx.explorer import explore
    from thighdx.files.scoring import score_files
    from thighdx.kb.resources import data_path
    from thighdx.model import Model, load_model, read_model
    from thighdx.reasoning.interview.interview import Interview
    from thighdx.result import Result
    from thighdx.scoring.scorer import Scorer

__all__ = [
    "EvidenceError",
    "ImpossibleEvidenceError",
    "Interview",
    "KnowledgeBaseError",
    "Model",
    "Result",
    "Scorer",
    "TableError",
    "ThighdxError",
    "UnknownNameError",
    "data_path",
    "evaluate",
    "explore",
    "load_model",
    "read_model",
    "score_files",
]

__version__ = "0.1.0"

_HOMES = {
    "Interview": "thighdx.reasoning.interview.interview",
    "Model": "thighdx.model",
    "Result": "thighdx.result",
    "Scorer": "thighdx.scoring.scorer",
    "data_path": "thighdx.kb.resources",
    "evaluate": "thighdx.evaluation.evaluation",
    "explore": "thighdx.explorer",
    "load_model": "thighdx.model",
    "read_model": "thighdx.model",
    "score_files": "thighdx.files.scoring",
}
# Names are imported at first use: a program that only imports thighdx pays for nothing else.
__getattr__ = importer(__name__, dict.fromkeys(__all__, "thighdx.errors") | _HOMES)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
