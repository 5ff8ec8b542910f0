"""From a folder of tables to a network, once: `compiled.json` holds every fit and every solved parameter.

The file is keyed by the digest of the tables: as long as they are what it was made from, loading a model fits
and solves nothing.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from thighdx.elicitation.compiled import from_plain, to_plain
from thighdx.elicitation.judgements import PooledJudgement, PooledKey, check_judgements, pool_judgements
from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb.check import check_knowledge_base
from thighdx.kb.load import read_knowledge_base
from thighdx.kb.manifest import with_changes
from thighdx.kb.records import KnowledgeBase
from thighdx.kb.tables import COMPILED_FILE, MANIFEST_FILE
from thighdx.network.assemble import assemble_spec, check_spec
from thighdx.network.build import SolvedParameters
from thighdx.network.rebase import Shares, rebase_parameters
from thighdx.network.spec import NetworkSpec

__all__ = [
    "COMPILED_FORMAT",
    "CompiledModel",
    "check_compiled",
    "check_new_folder",
    "compile_model",
    "load_compiled",
    "recompile_for",
    "save_model",
    "write_compiled",
]

COMPILED_FORMAT = 1
MAX_COMPILED_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """A knowledge base with its pooled judgements and solved parameters."""

    kb: KnowledgeBase
    pooled: Mapping[PooledKey, PooledJudgement]
    spec: NetworkSpec
    solved: SolvedParameters
    rebased: Shares = field(default_factory=dict)


def compile_model(path: str | Path) -> CompiledModel:
    """Read, check, fit, pool and solve a knowledge base.

    Raises
    ------
    KnowledgeBaseError
        With every problem found. Text is checked first; what the numbers add up to is only checked once every
        number can be read.
    """
    kb, problems = read_knowledge_base(path)
    # What cannot be read comes first: much of the rest may only follow from it.
    problems = _in_file_order(problems)
    if kb is not None:
        problems.extend(_new_places(problems, _check_tables(kb)))
    if kb is None or problems:
        raise KnowledgeBaseError(str(path), problems)
    pooled = pool_judgements(kb)
    spec = assemble_spec(kb, {key: item.point for key, item in pooled.items()})
    solved, problems = check_spec(spec)
    if not problems:
        spec, solved = _rebased(kb.manifest.rebased, spec, solved, problems)
    if problems:
        raise KnowledgeBaseError(str(path), _in_file_order(problems))
    return CompiledModel(kb, pooled, spec, solved, kb.manifest.rebased)


def _check_tables(kb: KnowledgeBase) -> list[Problem]:
    """Check names, then judgements; a cell that the first finds fault with is not reported twice."""
    problems = check_knowledge_base(kb)
    return _in_file_order([*problems, *_new_places(problems, check_judgements(kb))])


def _new_places(known: Sequence[Problem], found: Sequence[Problem]) -> list[Problem]:
    """Return what is found in cells that nothing is known against."""
    places = {(p.file, p.row, p.column) for p in known if p.row is not None}
    return [p for p in found if (p.file, p.row, p.column) not in places]


def _rebased(
    rebased: Shares, spec: NetworkSpec, solved: SolvedParameters, problems: list[Problem]
) -> tuple[NetworkSpec, SolvedParameters]:
    """Apply the shares a saved model was rebased to."""
    try:
        return rebase_parameters(spec, solved, rebased)
    except ValueError as error:
        problems.append(Problem(MANIFEST_FILE, None, "rebased", str(error)))
        return spec, solved


def _in_file_order(problems: list[Problem]) -> list[Problem]:
    """Sort by file and row and drop repetitions."""
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda p: (p.file, p.row or 0, p.column or "", p.message))


def load_compiled(path: str | Path) -> CompiledModel | None:
    """Load what was compiled from exactly these tables; None where it is missing, stale or damaged.

    Also None where the tables cannot be read: `compile_model` says everything that is wrong with them.
    """
    file = Path(path) / COMPILED_FILE
    kb, problems = read_knowledge_base(path)
    if kb is None or problems:
        return None
    try:
        if file.stat().st_size > MAX_COMPILED_BYTES:
            return None
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != COMPILED_FORMAT or content["digest"] != kb.digest:
            return None
        pooled = from_plain(content["judgements"], kb)
        spec = assemble_spec(kb, {key: item.point for key, item in pooled.items()})
        solved = _solved_from_plain(content["solved"], spec)
        shares = spec.shares.copy()
        for setting, named in kb.manifest.rebased.items():
            for cause, share in named.items():
                shares[spec.settings.index(setting), spec.causes.index(cause)] = share
        return CompiledModel(kb, pooled, replace(spec, shares=shares), solved, kb.manifest.rebased)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None


def write_compiled(model: CompiledModel, path: str | Path) -> Path:
    """Write `compiled.json` into a model's folder; it appears complete or not at all."""
    content = {
        "format": COMPILED_FORMAT,
        "digest": model.kb.digest,
        "judgements": to_plain(model.pooled),
        "solved": _solved_to_plain(model.solved, model.spec),
    }
    target = Path(path) / COMPILED_FILE
    handle, temporary = tempfile.mkstemp(dir=path, prefix=".compiled-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(_one_line_per_number(content))
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _one_line_per_number(content: Mapping[str, Any]) -> str:
    """Write JSON with one judgement per line, so that a change is readable in a diff."""
    lines = ["{", f'"format": {content["format"]},', f'"digest": "{content["digest"]}",', '"judgements": {']
    tables = []
    for table, entries in content["judgements"].items():
        if isinstance(entries, Mapping):
            rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in entries.items())
            tables.append(f"{json.dumps(table)}: {{\n{rows}\n}}")
        else:
            tables.append(f"{json.dumps(table)}: {json.dumps(entries)}")
    lines.append(",\n".join(tables))
    lines.append('},\n"solved": {')
    settings = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in content["solved"].items()]
    return "\n".join([*lines, ",\n".join(settings), "}\n}\n"])


def _solved_to_plain(solved: SolvedParameters, spec: NetworkSpec) -> dict[str, Any]:
    """Name every solved parameter; an impossible state (log factor -inf) becomes null."""
    plain = {}
    for row, setting in enumerate(spec.settings):
        factors = {
            context.id: {
                state: None if math.isinf(value) else float(value)
                for state, value in zip(context.states, solved.factors[row][column], strict=True)
            }
            for column, context in enumerate(spec.contexts)
        }
        theta = dict(zip(spec.causes, solved.theta[row].tolist(), strict=True))
        plain[setting] = {"theta": theta, "factors": factors}
    return plain


def _solved_from_plain(plain: Mapping[str, Any], spec: NetworkSpec) -> SolvedParameters:
    """Undo `_solved_to_plain`."""
    theta = np.array([[plain[setting]["theta"][cause] for cause in spec.causes] for setting in spec.settings])
    factors = tuple(
        tuple(
            np.array(
                [
                    -np.inf if (value := plain[setting]["factors"][context.id][state]) is None else value
                    for state in context.states
                ]
            )
            for context in spec.contexts
        )
        for setting in spec.settings
    )
    if theta.dtype != np.float64 or not np.isfinite(theta).all():
        raise ValueError("theta: expected a finite number for every cause")
    if any(value.dtype != np.float64 or not (value < np.inf).all() for row in factors for value in row):
        raise ValueError("factors: expected a number or null for every state")
    return SolvedParameters(theta, factors)


def recompile_for(model: CompiledModel, max_causes: int) -> CompiledModel:
    """Return the same judgements solved for another number of causes at once.

    Raises
    ------
    KnowledgeBaseError
        If the shares cannot be reproduced with so few causes at once.
    ValueError
        If there would be too many explanations.
    """
    if max_causes == model.spec.max_causes:
        return model
    spec = assemble_spec(
        model.kb, {key: item.point for key, item in model.pooled.items()}, max_causes=max_causes
    )
    solved, problems = check_spec(spec)
    if not problems:
        spec, solved = _rebased(model.rebased, spec, solved, problems)
    if problems:
        raise KnowledgeBaseError(f"{model.kb.manifest.name} with max_causes={max_causes}", problems)
    return CompiledModel(model.kb, model.pooled, spec, solved, model.rebased)


def check_compiled(model: CompiledModel) -> list[Problem]:
    """Return what is wrong with a compiled model: its tables, its fits, its margins, its ordered findings."""
    problems = _check_tables(model.kb)
    pooled = assemble_spec(
        model.kb, {key: item.point for key, item in model.pooled.items()}, max_causes=model.spec.max_causes
    )
    problems += check_spec(pooled)[1]
    return _in_file_order(problems)


def check_new_folder(path: str | Path) -> Path:
    """Return where a new folder may appear.

    Raises
    ------
    FileExistsError
        If `path` exists and is not an empty folder.
    """
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target}: exists and is not an empty folder; choose another path")
    return target


def save_model(model: CompiledModel, path: str | Path) -> Path:
    """Write tables, manifest and compiled file into a new folder; it appears complete or not at all.

    Raises
    ------
    FileExistsError
        If `path` exists and is not an empty folder.
    """
    target = check_new_folder(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        for file, text in model.kb.files.items():
            content = text
            if file == MANIFEST_FILE:
                content = with_changes(text, max_causes=model.spec.max_causes, rebased=model.rebased)
            (temporary / file).write_text(content, encoding="utf-8", newline="")
        kb, problems = read_knowledge_base(temporary)
        if kb is None or problems:
            raise KnowledgeBaseError(str(path), _in_file_order(problems))
        write_compiled(replace(model, kb=kb), temporary)
        temporary.chmod(0o755)
        temporary.replace(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target
