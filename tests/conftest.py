"""What many tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

import kb_builder
import thighdx


@pytest.fixture(scope="session")
def model() -> thighdx.Model:
    """The shipped model, loaded once."""
    return thighdx.load_model()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> thighdx.Model:
    """The small model of `kb_builder`, compiled once."""
    return thighdx.read_model(kb_builder.write_model(tmp_path_factory.mktemp("small")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small valid model, for a test to break."""
    return kb_builder.write_model(tmp_path / "small")
