"""Imports go one way, and the middle layers neither read, print nor reach for what they do not need."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import thighdx

PACKAGE = Path(thighdx.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# From the bottom up. Modules of one layer may import one another, never one above.
LAYERS = (
    (
        "errors",
        "figures",
        "html",
        "machine_code",
        "once",
        "packed",
        "processors",
        "whole_files",
    ),  # html: from plain data to a page, whoever holds the data
    ("kb", "resources"),
    ("elicitation",),
    ("network",),
    ("inference",),
    ("reasoning",),
    (),  # everything not named here: model, result, score and what they are made of
    ("streaming",),
    ("cli", "explorer", "plots", "report", "notebook", "spark", "dask", "__main__"),
)
MIDDLE = LAYERS.index(())


def layer_of(module: str) -> int:
    """The layer of a module by the first name after the package."""
    first = module.split(".")[1] if "." in module else ""
    return next((rank for rank, names in enumerate(LAYERS) if first in names), MIDDLE)


def module_of(path: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every imported module with its line; names imported from a package count as its modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            if node.module == "thighdx":
                yield from ((f"thighdx.{alias.name}", node.lineno) for alias in node.names)


def without_type_checking(tree: ast.Module) -> ast.Module:
    """The tree without blocks that only type checkers read."""
    body = [
        node
        for node in tree.body
        if not (
            isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        )
    ]
    return ast.Module(body, [])


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_every_layer_has_modules() -> None:
    assert len(FILES) > 40
    found = {layer_of(module_of(path)) for path in FILES}
    assert found == set(range(len(LAYERS)))


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_go_one_way(path: Path) -> None:
    module = module_of(path)
    if module == "thighdx":
        return  # the front door re-exports from every layer, lazily
    own = layer_of(module)
    wrong = [
        f"line {line}: {name}"
        for name, line in imports_of(without_type_checking(parsed(path)))
        if name.startswith("thighdx.")
        and (PACKAGE.parent / name.replace(".", "/")).with_suffix(".py").exists()
        and layer_of(name) > own
    ]
    assert wrong == []


def test_no_two_modules_need_one_another_to_be_imported() -> None:
    """Imports at the top of a module make no circle; those inside functions come late on purpose."""
    modules = {module_of(path): path for path in FILES}
    needs = {
        module: {
            name
            for node in without_type_checking(parsed(path)).body
            for name, _ in imports_of(node)
            if isinstance(node, ast.Import | ast.ImportFrom) and name in modules and name != module
        }
        for module, path in modules.items()
    }
    order = list(graphlib.TopologicalSorter(needs).static_order())
    assert order.index("thighdx.errors") < order.index("thighdx.kb.load") < order.index("thighdx.model")


@pytest.mark.parametrize("path", sorted((PACKAGE / "kb").glob("*.py")), ids=module_of)
def test_the_knowledge_base_needs_no_numerical_library(path: Path) -> None:
    heavy = {"numpy", "scipy", "pandas", "pgmpy", "numba", "pyarrow", "polars"}
    assert [name for name, _ in imports_of(parsed(path)) if name.split(".")[0] in heavy] == []


READS_OR_PRINTS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint"}


@pytest.mark.parametrize(
    "path",
    sorted([*(PACKAGE / "network").glob("*.py"), *(PACKAGE / "inference").glob("*.py")]),
    ids=module_of,
)
def test_network_and_inference_read_no_files_and_print_nothing(path: Path) -> None:
    tree = parsed(path)
    called = [
        f"line {node.lineno}: {node.func.id}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READS_OR_PRINTS
    ]
    assert called == []
    banned = {"pathlib", "io", "csv", "json", "logging", "subprocess", "urllib", "socket", "pickle"}
    assert [name for name, _ in imports_of(tree) if name.split(".")[0] in banned] == []


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_nothing_is_ever_evaluated_as_code(path: Path) -> None:
    evaluated = [
        f"line {node.lineno}: {node.func.id}"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"eval", "exec", "compile", "__import__"}
    ]
    assert evaluated == []
