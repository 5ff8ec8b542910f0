"""The wheel carries the models and the data, and works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str, cwd: Path) -> str:
    """Run a command away from the checkout's `src`; return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the backend that pyproject.toml names, which needs no network."""
    out = tmp_path_factory.mktemp("wheel")
    code = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"
    run(sys.executable, "-c", code, str(out), cwd=ROOT)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel unpacks to; a wheel of pure Python needs no more."""
    target = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def test_the_wheel_holds_every_module_model_and_data_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        f"thighdx/{path.relative_to(ROOT / 'src/thighdx')}" for path in (ROOT / "src/thighdx").rglob("*.py")
    }
    expected |= {
        f"thighdx/{path.relative_to(ROOT / 'src/thighdx')}"
        for path in (ROOT / "src/thighdx/html/templates").iterdir()
    }
    for kind in ("models", "data"):
        expected |= {
            f"thighdx/{path.relative_to(ROOT)}" for path in (ROOT / kind).rglob("*") if path.is_file()
        }
    expected = {name for name in expected if "_cache" not in name and "/." not in name}
    assert "thighdx/models/posterior_thigh/compiled.json" in expected
    assert "thighdx/data/published_cases.csv" in expected
    assert expected - names == set()
    assert "thighdx/py.typed" in names
    assert not {name for name in names if name.startswith(("tests/", "benchmarks/", "src/"))}
    assert not {name for name in names if "_cache" in name or name.endswith((".pyc", ".nbi", ".nbc"))}


def test_the_wheel_declares_its_license_version_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(f"{info}/METADATA").decode()
        scripts = archive.read(f"{info}/entry_points.txt").decode()
        names = archive.namelist()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert "thighdx = thighdx.cli:main" in scripts
    assert f"{info}/licenses/LICENSE" in names


def test_an_installed_wheel_diagnoses_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import thighdx\n"
        "print(thighdx.__file__)\n"
        "print(thighdx.data_path('published_cases.csv'))\n"
        "model = thighdx.load_model()\n"
        "result = model.diagnose({'onset': 'sudden', 'bruising': True, 'sprint_or_overstretch': True})\n"
        "print(result.posterior.index[0])\n"
    )
    lines = run(sys.executable, "-c", code, str(installed), cwd=tmp_path).splitlines()
    assert Path(lines[0]).is_relative_to(installed)
    assert Path(lines[1]).is_relative_to(installed)
    assert lines[2] == "hamstring_strain"


def test_an_installed_wheel_finds_its_compiled_model_fresh(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from thighdx.compilation import load_compiled\n"
        "from thighdx.resources import model_path\n"
        "print(load_compiled(model_path('posterior_thigh')) is not None)\n"
    )
    assert run(sys.executable, "-c", code, str(installed), cwd=tmp_path).split() == ["True"]


def test_the_command_of_an_installed_wheel_runs(installed: Path, tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from thighdx.cli import main; main()"
    shown = run(
        sys.executable,
        "-c",
        code,
        str(installed),
        "diagnose",
        "onset=sudden",
        "bruising=present",
        "age=34",
        cwd=tmp_path,
    )
    assert "hamstring" in shown.lower()
    assert "not reviewed by clinicians" in " ".join(shown.split()).lower()
