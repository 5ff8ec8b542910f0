"""What is imported when: a program pays only for what it uses."""

from __future__ import annotations

import pytest

from fresh import printed_by

HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "pgmpy",
    "numba",
    "pyarrow",
    "pydantic",
    "ruamel",
    "matplotlib",
    "anywidget",
    "IPython",
    "polars",
    "typer",
    "rich",
    "tqdm",
    "jinja2",
)


def loaded_after(code: str) -> set[str]:
    """The heavy packages in a fresh interpreter after running some lines."""
    report = f"import sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    return set(printed_by(f"{code}\n{report}").splitlines()[-1].split())


def test_importing_thighdx_imports_nothing_heavy() -> None:
    assert loaded_after("import thighdx; thighdx.__version__; dir(thighdx)") == set()


def test_catching_an_error_needs_nothing_heavy() -> None:
    assert loaded_after("import thighdx; thighdx.EvidenceError; thighdx.KnowledgeBaseError") == set()


def test_the_first_diagnosis_leaves_out_what_only_tables_and_interchange_need() -> None:
    code = "import thighdx; thighdx.load_model().diagnose({'bruising': True}).posterior"
    loaded = loaded_after(code)
    assert loaded <= {"numpy", "pandas", "pyarrow"}  # pandas brings pyarrow where it is installed
    assert {"numpy", "pandas"} <= loaded


def test_a_diagnosis_as_plain_numbers_needs_numpy_alone() -> None:
    code = (
        "import thighdx; result = thighdx.load_model().diagnose({'bruising': True})\n"
        "assert result.log_evidence < 0; result.explanations(3)"
    )
    assert loaded_after(code) == {"numpy"}


def test_loading_a_model_leaves_out_what_fits_and_solves() -> None:
    code = (
        "import sys, thighdx; thighdx.load_model()\n"
        "late = ('elicitation', 'kb.check', 'kb.manifest', 'network.assemble', 'compiled.compilation')\n"
        "late += ('reasoning.urgency.triage', 'reasoning.intervals.delta')\n"
        "found = [name for name in late if 'thighdx.' + name in sys.modules]\n"
        "assert not found, found"
    )
    loaded_after(code)


def test_asking_for_the_version_on_the_command_line_needs_no_numbers() -> None:
    code = (
        "import sys, contextlib; sys.argv = ['thighdx', '--version']\n"
        "from thighdx.cli import main\n"
        "with contextlib.suppress(SystemExit): main()"
    )
    assert not loaded_after(code) & {"numpy", "pandas", "pyarrow", "scipy", "pgmpy"}


@pytest.mark.parametrize("name", ["load_model", "Model", "data_path", "Result"])
def test_every_public_name_comes_on_first_use(name: str) -> None:
    code = (
        f"import thighdx; first = thighdx.{name}; assert first is thighdx.{name} is vars(thighdx)['{name}']"
    )
    loaded_after(code)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    import thighdx

    with pytest.raises(AttributeError, match="module 'thighdx' has no attribute 'load_modle'"):
        thighdx.load_modle  # noqa: B018  # the access is the test
