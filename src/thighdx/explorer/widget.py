"""The explorer as a notebook widget: messages from the browser in, plain data out, reasoning in Python."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from thighdx.explorer.state import Session
from thighdx.explorer.view import catalog, detail, view

if TYPE_CHECKING:
    from thighdx.model import Model
    from thighdx.result import Result

__all__ = ["Explorer"]

PAUSE_SECONDS = 0.03  # without another action before the slower part of the answer is worked out


# A widget has one browser module and no build step: the files are joined, the one that exports last.
SCRIPTS = ("elements.js", "findings.js", "toolbar.js", "answer.js", "explorer.js")


def _shipped(*names: str) -> str:
    """Return the text of files that come with this package."""
    folder = resources.files("thighdx.explorer")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


class Explorer(anywidget.AnyWidget):
    """Findings to click, and the answer beside them; made by `thighdx.explore`.

    Attributes
    ----------
    evidence : dict
        What is known, as `Model.diagnose` takes it. Assign another dict to change it (changing it in place
        does nothing); ``widget.observe(function, "evidence")`` hears of every change.
    setting : str
        Where the patient was seen.
    result : Result
        The answer about what is shown.
    """

    _esm = _shipped(*SCRIPTS)
    _css = _shipped("explorer.css")
    _catalog = traitlets.Dict().tag(sync=True)
    _view = traitlets.Dict().tag(sync=True)
    _detail = traitlets.Dict().tag(sync=True)
    evidence = traitlets.Dict()
    setting = traitlets.Unicode()

    def __init__(
        self, model: Model, *, evidence: Mapping[str, object] | None = None, setting: str | None = None
    ) -> None:
        # JupyterLab may deliver messages in a thread of their own, beside the cell that runs.
        self._lock = threading.RLock()
        self._is_echo = True
        self._session = Session.start(model, evidence, setting)
        case = self._session.case
        super().__init__(
            _catalog=catalog(model),
            _view=view(self._session),
            evidence=dict(case.findings),
            setting=case.setting,
        )
        self._is_echo = False
        self.on_msg(self._on_message)
        self._schedule_detail()

    @property
    def result(self) -> Result:
        """The answer about the case as it is now."""
        return self._session.result

    def undo(self) -> None:
        """Take back the last change."""
        self._act({"do": "undo"})

    def redo(self) -> None:
        """Do again what was taken back."""
        self._act({"do": "redo"})

    @traitlets.validate("evidence")
    def _read_evidence(self, proposal: Mapping[str, Any]) -> dict[str, object]:
        """Take evidence set from Python, or refuse it and stay."""
        with self._lock:
            if not self._is_echo:
                self._change(proposal["value"], self.setting)
            return dict(self._session.case.findings)

    @traitlets.validate("setting")
    def _read_setting(self, proposal: Mapping[str, Any]) -> str:
        """Take a setting set from Python, or refuse it and stay."""
        with self._lock:
            if not self._is_echo:
                self._change(self._session.case.findings, proposal["value"])
            return self._session.case.setting

    def _change(self, findings: Mapping[str, object], setting: str) -> None:
        """Put another case in place of the present one."""
        self._session.change(findings, setting)
        self._publish()

    def _on_message(self, _: object, content: object, __: object) -> None:
        """Do what a person did in a browser."""
        self._act(content)

    def _act(self, message: object) -> None:
        """Do something, show the answer, and let the slower part follow."""
        with self._lock:
            self._session.act(message)
            self._publish()
            with self._echo():
                self.setting = self._session.case.setting
                self.evidence = dict(self._session.case.findings)

    @contextmanager
    def _echo(self) -> Iterator[None]:
        """Let the public attributes follow the case without asking the model again."""
        self._is_echo = True
        try:
            yield
        finally:
            self._is_echo = False

    def _publish(self) -> None:
        """Send what is known, posteriors and urgency, then arrange for the rest."""
        self._view = view(self._session)
        self._schedule_detail()

    def _schedule_detail(self) -> None:
        """Work out the slower part once messages that wait have been read; at once without an event loop."""
        revision = self._session.revision
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._send_detail(revision)
        else:
            loop.call_later(PAUSE_SECONDS, self._send_detail, revision)

    def _send_detail(self, revision: int) -> None:
        """Send intervals and questions, unless the case has moved on."""
        with self._lock:
            if revision == self._session.revision:
                self._detail = detail(self._session)
