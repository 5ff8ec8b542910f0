"""Imports go one way, and the middle layers neither read, print nor reach for what they do not need."""

from __future__ import annotations

import ast
import graphlib
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import thighdx

PACKAGE = Path(thighdx.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# From the ground up: each room may import only what stands before it. Folders and files of the package by name.
ROOMS: dict[str, tuple[str, ...]] = {
    "base": (
        "errors",
        "first_use",
        "text",
        "english",
        "words",
        "arrays",
        "atomic_files",
        "display",
        "machine_code",
        "notice",
        "once",
        "packed",
        "plain",
        "processors",
    ),
    "kb": ("kb", "resources"),
    "elicitation": ("elicitation",),
    "network": ("network",),
    "evidence": ("evidence",),
    "inference": ("inference",),
    "compiled": ("compiled",),
    "reasoning": ("reasoning",),
    "scoring": ("scoring",),
    "evaluation": ("evaluation",),
    "learning": ("learning",),
    "model": ("model", "result", "tables", "later"),
    "html": ("html",),
    "schemas": ("schemas",),
    "forms": ("forms",),
    "fhir": ("fhir",),
    "review": ("review",),
    "plots": ("plots",),
    "files": ("files",),
    "cluster": ("cluster", "dask", "spark"),
    "explorer": ("explorer",),
    "cli": ("cli", "__main__"),
}
ORDER = list(ROOMS)
ROOM_OF = {name: room for room, names in ROOMS.items() for name in names}

# The rooms within `reasoning`, in the same sense; files beside them are for all of them.
QUESTIONS = ("explain", "fit", "intervals", "urgency", "questions", "interview", "sensitivity", "difference")

# Imports that go up, each with its reason.
UPWARD = {
    ("thighdx.display", "thighdx.html.fragments"): "the one door from a result to its picture",
    ("thighdx.display", "thighdx.html.case_report"): "the same, for a whole page",
}


# Modules that import some others within a function, each with its reason; a command of `cli` loads only what it needs.
LATE = {
    "thighdx.display": "html stands above what it shows",
    "thighdx.compiled.compiled_model": "judgements bring scipy, which a single case does not need",
    "thighdx.compiled.reading": "compiling brings scipy and YAML; most models are compiled",
    "thighdx.explorer": "the widget needs an extra, which may be missing",
    "thighdx.plots.canvas": "its own axes are matplotlib's, which only pictures need",
    "thighdx.scoring.score": "numba and scipy are for long tables and for intervals",
}

# Modules whose names are imported at first use, `thighdx.first_use.importer`: what they list must be what they import.
DOORS = ("thighdx", "thighdx.later")


def room_of(module: str) -> str:
    """The room of a module by the first name after the package."""
    return ROOM_OF[module.split(".")[1]]


def module_of(path: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every imported module with its line; names imported from a package may be modules too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            if node.module.split(".")[0] == "thighdx":
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def own_imports(path: Path) -> set[str]:
    """Modules of the package that a file imports, wherever in it: at the top, late, or for type checkers alone."""
    named = {name for name, _ in imports_of(parsed(path))}
    found = named & MODULES.keys() - {"thighdx"}
    packages = {name for name in found if MODULES[name].name == "__init__.py"}
    return (
        found - {p for p in packages if any(name.startswith(f"{p}.") for name in found)} - {module_of(path)}
    )


MODULES = {module_of(path): path for path in FILES}
IMPORTS = {module: own_imports(path) for module, path in MODULES.items() if module != "thighdx"}


def test_every_module_is_in_a_room_and_every_room_has_modules() -> None:
    assert len(FILES) > 40
    assert {room_of(module) for module in IMPORTS} == set(ROOMS)


@pytest.mark.parametrize("module", IMPORTS)
def test_imports_go_down(module: str) -> None:
    own = ORDER.index(room_of(module))
    above = {name for name in IMPORTS[module] if ORDER.index(room_of(name)) > own}
    assert {(module, name) for name in above} <= UPWARD.keys()


def question_of(module: str) -> int:
    """The place of a room of `reasoning`; 0 for what they share."""
    name = module.split(".")[2]
    return QUESTIONS.index(name) + 1 if name in QUESTIONS else 0


def test_every_room_of_reasoning_has_its_place() -> None:
    rooms = {path.parent.name for path in (PACKAGE / "reasoning").glob("*/__init__.py")}
    assert rooms == {*QUESTIONS} - {"difference"}


@pytest.mark.parametrize("module", [name for name in IMPORTS if name.startswith("thighdx.reasoning.")])
def test_questions_about_a_case_build_on_one_another_one_way(module: str) -> None:
    within = {name for name in IMPORTS[module] if name.startswith("thighdx.reasoning.")}
    assert {name for name in within if question_of(name) > question_of(module)} == set()


def late_imports(path: Path) -> set[str]:
    """Modules of the package that a file imports inside functions."""
    functions = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef))
    return {name for node in functions for name, _ in imports_of(node)} & MODULES.keys()


@pytest.mark.parametrize("module", IMPORTS)
def test_imports_stand_at_the_top_unless_there_is_a_reason(module: str) -> None:
    assert not late_imports(MODULES[module]) or room_of(module) == "cli" or module in LATE


@pytest.mark.parametrize("door", DOORS)
def test_what_is_imported_at_first_use_is_what_type_checkers_see(door: str) -> None:
    (block,) = (node for node in parsed(MODULES[door]).body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    names = importlib.import_module(door)
    assert sorted(seen) == names.__all__
    assert {name: getattr(names, name).__module__ for name in seen} == seen


def test_every_reason_is_still_needed() -> None:
    assert [module for module in LATE if not late_imports(MODULES[module])] == []


def test_every_exception_is_still_needed() -> None:
    assert [(module, name) for module, name in UPWARD if name not in IMPORTS[module]] == []


def test_no_two_files_need_one_another() -> None:
    """Every import counts, late ones and those for type checkers too."""
    needs = {
        module: {name for name in names if (module, name) not in UPWARD} for module, names in IMPORTS.items()
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
