"""A real JupyterLab in a folder of its own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import thighdx
from chromium import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["Lab", "running_lab"]


@dataclass(frozen=True)
class Lab:
    """Where a JupyterLab listens."""

    url: str
    token: str
    folder: Path

    def write_notebook(self, name: str, *cells: str) -> None:
        """Put a notebook with code cells into the folder."""
        import nbformat

        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(book, self.folder / name)

    def open(self, page: Page, name: str) -> None:
        """Open a notebook alone, in a workspace of its own, and wait until its kernel is ready."""
        workspace = name.removesuffix(".ipynb")
        page.goto(f"{self.url}/lab/workspaces/{workspace}/tree/{name}?token={self.token}")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()


@contextmanager
def running_lab(folder: Path, *, theme: str = "JupyterLab Light") -> Iterator[Lab]:
    """Start JupyterLab on a port it finds free, everything it writes inside `folder`; stop it in the end."""
    work = folder / "work"
    work.mkdir(parents=True)
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    chosen = {"themes": {"theme": theme}, "notification": {"fetchNews": "false", "checkForUpdates": False}}
    for plugin, values in chosen.items():
        (settings / f"{plugin}.jupyterlab-settings").write_text(json.dumps(values), encoding="utf-8")
    token = secrets.token_hex(16)
    with (folder / "jupyterlab.log").open("wb") as log:
        process = subprocess.Popen(
            _command(folder, token),
            cwd=work,
            env=_environment(folder),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its kernels end with it
        )
        try:
            yield Lab(_listening(folder, process, token), token, work)
        finally:
            _stop(process)


def _command(folder: Path, token: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder / 'work'}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--LabApp.user_settings_dir={folder / 'settings'}",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
    ]


def _environment(folder: Path) -> dict[str, str]:
    """The environment of the server: a home of its own, and the thighdx that is being tested."""
    source = str(Path(thighdx.__file__).parents[1])
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    homes = {
        name: str(folder / "home")
        for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    }
    return {
        **os.environ,
        **homes,
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONPATH": os.pathsep.join(paths),
    }


def _listening(folder: Path, process: subprocess.Popen[bytes], token: str) -> str:
    """Wait until the server answers, and return where; say what it wrote if it does not."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last and process.poll() is None:
        try:
            (note,) = (folder / "runtime").glob("jpserver-*.json")
            url = f"http://127.0.0.1:{json.loads(note.read_text(encoding='utf-8'))['port']}"
            with urllib.request.urlopen(f"{url}/api?token={token}", timeout=PATIENCE):
                return url
        except (ValueError, OSError):  # not there yet, half written, not listening yet
            time.sleep(0.3)
    log = (folder / "jupyterlab.log").read_text(encoding="utf-8")
    raise RuntimeError(f"JupyterLab did not start:\n{log[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and every kernel it started, by the group that is theirs alone."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=15)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
