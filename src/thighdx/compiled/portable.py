"""A model on its way to another process: a shipped one goes by name, a user's own goes whole."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from thighdx.compiled.compiled_model import CompiledModel, ModelFacts
from thighdx.compiled.reading import read_compiled
from thighdx.errors import ThighdxError
from thighdx.kb.resources import model_path, shipped_models

__all__ = ["ModelSource", "PortableModel", "find_model"]


ModelSource: TypeAlias = "ModelFacts | str | Path | None"

# Of this process: shipped models stay; of users' own, the last few that came whole, so that tasks of one job share
# theirs and a long-lived worker does not keep every model it ever saw.
_SHIPPED: dict[str, CompiledModel] = {}
_OWN: OrderedDict[str, CompiledModel] = OrderedDict()
_MOST_OWN = 4
_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True)
class PortableModel:
    """What it takes to have a model in any process that has thighdx; small for a shipped model.

    Attributes
    ----------
    digest : str
        Of the model's tables.
    shipped : str
        Name of the shipped model; empty for a user's own.
    content : bytes
        The user's model, pickled; empty for a shipped one.
    """

    digest: str
    shipped: str
    content: bytes = field(repr=False)

    @classmethod
    def pack(cls, model: CompiledModel) -> PortableModel:
        """Prepare a model for travel."""
        if model.name in shipped_models():
            own = _shipped(model.name)
            is_own = own.digest == model.digest and own.max_causes == model.max_causes
            if is_own and not model.rebased:
                return cls(model.digest, model.name, b"")
        return cls(model.digest, "", pickle.dumps(model))

    def open(self) -> CompiledModel:
        """Return the model; loaded once per process, however many ask.

        Raises
        ------
        ThighdxError
            If this process has another version of the shipped model.
        """
        if self.shipped:
            model = _shipped(self.shipped)
            if model.digest != self.digest:
                raise ThighdxError(
                    f"model {self.shipped!r}: got digest {model.digest[:12]} in this process, expected "
                    f"{self.digest[:12]}; install the same version of thighdx everywhere"
                )
            return model
        key = hashlib.sha256(self.content).hexdigest()
        with _LOADING:
            if key not in _OWN:
                _OWN[key] = pickle.loads(self.content)
            _OWN.move_to_end(key)  # the last used is the last to go
            while len(_OWN) > _MOST_OWN:
                _OWN.popitem(last=False)
            return _OWN[key]


def find_model(source: ModelSource) -> CompiledModel:
    """Return a model as it is, the shipped one for None, a shipped one by name, or that of a folder."""
    if isinstance(source, ModelFacts):
        return source.compiled
    names = shipped_models()
    if source is None:
        return _shipped(names[0])
    if isinstance(source, str) and source in names and not Path(source).exists():
        return _shipped(source)
    return read_compiled(source)


def _shipped(name: str) -> CompiledModel:
    """Load a shipped model, once per process."""
    with _LOADING:
        if name not in _SHIPPED:
            _SHIPPED[name] = read_compiled(model_path(name))
        return _SHIPPED[name]
