"""The public names, frozen: a change here is a change for every program that uses thighdx."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import thighdx
from thighdx.model import Model
from thighdx.result import Result

PACKAGE = Path(thighdx.__file__).parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(thighdx.__path__, "thighdx.")
    if not module.name.endswith("__main__")
)


def public(thing: object) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


def test_the_names_of_the_package_are_frozen_and_sorted() -> None:
    assert thighdx.__all__ == [
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
    assert sorted(thighdx.__all__) == thighdx.__all__
    assert set(dir(thighdx)) == {*thighdx.__all__, "__version__"}


def test_every_public_name_can_be_used_and_has_a_docstring() -> None:
    for name in thighdx.__all__:
        assert inspect.getdoc(getattr(thighdx, name)), name


def test_the_names_of_a_model_are_frozen(model: Model) -> None:
    assert public(model) == [
        "causes",
        "check",
        "compiled",
        "default_setting",
        "diagnose",
        "diagnose_many",
        "digest",
        "disclaimer",
        "explain_columns",
        "groups",
        "learn",
        "max_causes",
        "name",
        "network",
        "rebase",
        "rebased",
        "residual_cause",
        "save",
        "score",
        "score_batches",
        "settings",
        "simulate",
        "template",
        "to_pgmpy",
        "trace",
        "variables",
        "version",
        "vocabulary",
        "warm",
    ]


def test_the_names_of_a_result_are_frozen(model: Model) -> None:
    assert public(model.diagnose({})) == [
        "conflict",
        "contrast",
        "evidence",
        "explain",
        "explanations",
        "fit",
        "from_dict",
        "groups",
        "interval",
        "log_evidence",
        "management",
        "model",
        "next_questions",
        "posterior",
        "prior",
        "probabilities",
        "report",
        "sensitivity",
        "setting",
        "to_dict",
        "to_html",
        "to_json",
        "top",
        "triage",
        "warnings",
    ]


def parameters(function: object) -> str:
    """Names of the parameters; those after `*` can only be given by name."""
    shown = []
    for name, parameter in inspect.signature(function).parameters.items():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        shown.append(name if parameter.default is parameter.empty else f"{name}={parameter.default!r}")
    return ", ".join(shown)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (thighdx.load_model, "name='posterior_thigh', *, max_causes=None"),
        (thighdx.read_model, "path, *, max_causes=None"),
        (thighdx.data_path, "name"),
        (thighdx.explore, "model=None, evidence=None, *, setting=None"),
        (Model.diagnose, "self, findings, *, setting=None, ignore_unknown=False"),
        (Model.simulate, "self, n, *, seed, setting=None"),
        (Model.rebase, "self, shares, *, setting=None, exclusive=False"),
        (Model.trace, "self, cause"),
        (Model.warm, "self, settings=None"),
        (Model.check, "self"),
        (Model.template, "self, table='evidence'"),
        (Model.save, "self, path"),
        (Model.to_pgmpy, "self, *, setting=None"),
        (Result.explanations, "self, n=5"),
        (Result.top, "self, n=3"),
        (Result.probabilities, "self, variable"),
        (Result.report, "self, path, *, title=None, case_id=None, date=None, method='delta'"),
        (Result.to_dict, "self, include=None"),
        (Result.to_json, "self, include=None, *, indent=None"),
    ],
)
def test_signatures_are_frozen(function: object, expected: str) -> None:
    assert parameters(function) == expected


def test_scoring_takes_every_option_of_the_design() -> None:
    shown = parameters(Model.score)
    assert shown.startswith("self, table, *, setting=None")
    for option in (
        "interval=None",
        "triage=False",
        "groups=False",
        "columns=None",
        "n_threads=None",
        "on_error='keep'",
    ):
        assert option in shown


@pytest.mark.parametrize("name", MODULES)
def test_every_module_lists_names_that_exist(name: str) -> None:
    module = importlib.import_module(name)
    path = Path(str(module.__file__))
    body = ast.parse(path.read_text(encoding="utf-8")).body
    if len(body) == 1 and path.name == "__init__.py":
        return  # a package that is only a docstring
    listed = module.__all__
    assert len(listed) == len(set(listed))
    assert [item for item in listed if not hasattr(module, item)] == []


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    assert module.__doc__.splitlines()[0].strip()


def test_every_file_is_a_module_that_was_looked_at() -> None:
    files = {path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py")}
    assert len(files) == len(
        [name for name in MODULES if not hasattr(importlib.import_module(name), "__path__")]
    )


def test_the_error_tree_is_as_drawn() -> None:
    assert [
        error.__mro__[1:3]
        for error in (thighdx.KnowledgeBaseError, thighdx.EvidenceError, thighdx.TableError)
    ] == [(thighdx.ThighdxError, ValueError)] * 3
    assert thighdx.ImpossibleEvidenceError.__bases__ == (thighdx.EvidenceError,)
    assert thighdx.UnknownNameError.__mro__[1:3] == (thighdx.ThighdxError, KeyError)
    assert thighdx.ThighdxError.__bases__ == (Exception,)


def documented(thing: object) -> list[str]:
    """Names of the parameters in the docstring of a function or class, in its order."""
    text = inspect.getdoc(thing) or ""
    _, _, section = text.partition("Parameters\n----------\n")
    section = re.split(r"\n\n[A-Z][a-z]+\n---+\n", section)[0]
    lines = [line.partition(" : ")[0] for line in section.splitlines() if line and not line.startswith(" ")]
    return [name.strip().lstrip("*") for line in lines for name in line.split(",")]


def callables() -> Iterator[tuple[str, Any]]:
    """Everything public that is called: functions, classes that users make, and their methods."""
    for name in thighdx.__all__:
        thing = getattr(thighdx, name)
        if not inspect.isclass(thing):
            yield name, thing
        elif not issubclass(thing, Exception):
            methods = inspect.getmembers(
                thing, lambda item: inspect.isfunction(item) or inspect.ismethod(item)
            )
            called = [(key, item) for key, item in methods if key[0] != "_" or key == "__call__"]
            yield from ((f"{name}.{key}", item) for key, item in called)
            if name not in MADE_BY_OTHERS:
                yield name, thing


# Nobody makes these by hand: `load_model`, `diagnose`.
MADE_BY_OTHERS = {"Model", "Result"}


@pytest.mark.parametrize(
    ("name", "thing"), list(callables()), ids=lambda item: item if isinstance(item, str) else ""
)
def test_help_tells_every_parameter(name: str, thing: Any) -> None:
    parameters = [key for key in inspect.signature(thing).parameters if key not in ("self", "cls")]
    assert sorted(documented(thing)) == sorted(parameters), name
