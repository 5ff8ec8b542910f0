"""What many tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings
from typer.testing import CliRunner, Result

import kb_builder
import thighdx
import wheels
from chromium import chromium
from places import ROOT, SMALL
from thighdx.cli import app

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Tests run side by side: threads of linear algebra would wait for one another, also in processes that tests start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Machine code goes by the content of its sources: what one process compiled, whatever copy of the package, others find.
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "build" / "machine-code"))

# The same examples in every run: what passes here passes there. HYPOTHESIS_PROFILE=search looks for new ones, and
# `first` stops at the first that fails.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.register_profile("first", derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture(scope="session")
def model() -> thighdx.Model:
    """The shipped model, loaded once."""
    return thighdx.load_model()


@pytest.fixture(scope="session")
def small_model() -> thighdx.Model:
    """The small model, compiled once."""
    return thighdx.read_model(SMALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the small model, for a test to break."""
    return kb_builder.write_model(tmp_path / "small")


@pytest.fixture
def columns() -> int:
    """How wide the terminal is."""
    return 80


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> Callable[..., Result]:
    """The command line, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("LC_ALL", raising=False)

    def invoke(*words: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=stdin, prog_name="thighdx")

    return invoke


@pytest.fixture
def score(run: Callable[..., Result]) -> Callable[..., Result]:
    """`thighdx score` with the small model."""

    def invoke(*words: str, stdin: str | bytes | None = None) -> Result:
        return run("score", *words, "--model", str(SMALL), stdin=stdin)

    return invoke


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once."""
    return wheels.build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel unpacks to."""
    return wheels.unpack(wheel, tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, for tests marked `browser`."""
    with chromium() as started:
        yield started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with what takes longest, so that no worker is left alone with it in the end."""
    items.sort(key=lambda item: "test_notebooks" not in item.nodeid)
