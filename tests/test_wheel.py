"""The wheel carries the models and the data, and works away from the checkout."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from places import ROOT
from wheels import run_away


def test_the_wheel_holds_every_module_model_and_data_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = ROOT / "src/thighdx"
    expected = {
        f"thighdx/{path.relative_to(package)}"
        for path in package.rglob("*")
        if path.suffix in (".py", ".js", ".css", ".html", ".csv")
    }
    assert {"thighdx/explorer/explorer.js", "thighdx/html/templates/report.html"} <= expected
    for kind in ("models", "data"):
        expected |= {
            f"thighdx/{path.relative_to(ROOT)}" for path in (ROOT / kind).rglob("*") if path.is_file()
        }
    expected = {name for name in expected if "_cache" not in name and "/." not in name}
    assert "thighdx/models/posterior_thigh/compiled.bin" in expected
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
    lines = run_away(sys.executable, "-c", code, str(installed), cwd=tmp_path).splitlines()
    assert Path(lines[0]).is_relative_to(installed)
    assert Path(lines[1]).is_relative_to(installed)
    assert lines[2] == "hamstring_strain"


def test_an_installed_wheel_finds_its_compiled_model_fresh(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from thighdx.compiled.stored import load_compiled\n"
        "from thighdx.kb.resources import model_path\n"
        "print(load_compiled(model_path('posterior_thigh')) is not None)\n"
    )
    assert run_away(sys.executable, "-c", code, str(installed), cwd=tmp_path).split() == ["True"]


def test_the_command_of_an_installed_wheel_runs(installed: Path, tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from thighdx.cli import main; main()"
    shown = run_away(
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
