"""From a folder of tables to a solved network: read, check, fit, pool, solve.

`thighdx.compiled.stored` keeps the result, so that loading a model does none of this.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from thighdx.atomic_files import create_file
from thighdx.compiled.compiled_model import CompiledModel, judged_by
from thighdx.compiled.stored import COMPILED_FORMAT, code_digest
from thighdx.elicitation.compiled import to_arrays
from thighdx.elicitation.judgements import check_judgements, pool_judgements
from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb.check import check_knowledge_base
from thighdx.kb.folder import read_knowledge_base
from thighdx.kb.manifest import with_changes
from thighdx.kb.opened import open_knowledge_base
from thighdx.kb.records import KnowledgeBase
from thighdx.kb.tables import COMPILED_FILE, MANIFEST_FILE
from thighdx.network.arrays import network_to_arrays
from thighdx.network.assemble import assemble_spec, check_spec
from thighdx.network.build import SolvedParameters
from thighdx.network.rebase import Shares, rebase_parameters
from thighdx.network.spec import NetworkSpec
from thighdx.packed import pack

__all__ = [
    "check_compiled",
    "check_new_folder",
    "compare_compiled",
    "compile_model",
    "compiled_content",
    "recompile_for",
    "save_model",
    "write_compiled",
]

# Largest difference, absolute or relative, between a stored number and the same number made again.
SAME = 1e-6


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
    elicited = assemble_spec(kb, {key: item.point for key, item in pooled.items()})
    solved, problems = check_spec(elicited)
    spec = elicited
    if not problems:
        spec, solved = _rebased(kb.manifest.rebased, elicited, solved, problems)
    if problems:
        raise KnowledgeBaseError(str(path), _in_file_order(problems))
    opened = open_knowledge_base(kb.manifest, kb.digest, kb.files)
    judged = judged_by(to_arrays(pooled, kb), opened)
    return CompiledModel(opened, judged, spec, solved, elicited.shares, kb.manifest.rebased)


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
    spec = replace(model.spec, shares=model.elicited, max_causes=max_causes)
    solved, problems = check_spec(spec)
    if not problems:
        spec, solved = _rebased(model.rebased, spec, solved, problems)
    if problems:
        raise KnowledgeBaseError(f"{model.kb.manifest.name} with max_causes={max_causes}", problems)
    return replace(model, spec=spec, solved=solved)


def check_compiled(model: CompiledModel) -> list[Problem]:
    """Return what is wrong with a compiled model: its tables, its fits, its margins, its ordered findings."""
    problems = _check_tables(model.kb)
    pooled = assemble_spec(
        model.kb, {key: item.point for key, item in model.pooled.items()}, max_causes=model.spec.max_causes
    )
    problems += check_spec(pooled)[1]
    return _in_file_order(problems)


def compiled_content(model: CompiledModel) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return what is written about a model: names and digests, and arrays."""
    network, arrays = network_to_arrays(replace(model.spec, shares=model.elicited), model.solved)
    plain = {
        "format": COMPILED_FORMAT,
        "tables": model.kb.digest,
        "code": code_digest(),
        "manifest": asdict(model.kb.manifest),
        "network": network,
    }
    return plain, {**arrays, **to_arrays(model.pooled, model.kb)}


def write_compiled(model: CompiledModel, path: str | Path) -> Path:
    """Write `compiled.bin` into a model's folder; it appears complete or not at all."""
    target = Path(path) / COMPILED_FILE
    with create_file(target) as stream:
        stream.write(pack(*compiled_content(model)))
    return target


def compare_compiled(stored: CompiledModel, fresh: CompiledModel) -> list[Problem]:
    """Return where a compiled file says something else than its tables make.

    Least squares are flat around their minimum, and libraries round differently: numbers may differ by `SAME`.
    """
    plain, arrays = compiled_content(stored)
    expected_plain, expected = compiled_content(fresh)
    places = [name for name in expected_plain if plain.get(name) != expected_plain[name]]
    for name, values in expected.items():
        if arrays[name].shape != values.shape or not np.allclose(
            arrays[name], values, rtol=SAME, atol=SAME, equal_nan=True
        ):
            places.append(name)
    message = "is not what the tables make"
    return [Problem(COMPILED_FILE, None, name, message, "run thighdx model build") for name in places]


def check_new_folder(path: str | Path) -> Path:
    """Return where a new folder may appear.

    Raises
    ------
    FileExistsError
        If `path` exists and is not an empty folder.
    FileNotFoundError
        If the folder it is to be in does not exist.
    """
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target}: exists and is not an empty folder; choose another path")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: no such folder {target.parent.resolve()}; create it first")
    return target


def save_model(model: CompiledModel, path: str | Path) -> Path:
    """Write tables, manifest and compiled file into a new folder; it appears complete or not at all.

    Raises
    ------
    FileExistsError, FileNotFoundError
        As `check_new_folder`.
    """
    target = check_new_folder(path)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        for file, content in model.kb.files.items():
            if file == MANIFEST_FILE:
                text = content.decode("utf-8-sig")
                changed = with_changes(text, max_causes=model.spec.max_causes, rebased=model.rebased)
                content = content if changed == text else changed.encode()
            (temporary / file).write_bytes(content)
        kb, problems = read_knowledge_base(temporary)
        if kb is None or problems:
            raise KnowledgeBaseError(str(path), _in_file_order(problems))
        write_compiled(replace(model, kb=open_knowledge_base(kb.manifest, kb.digest, kb.files)), temporary)
        temporary.chmod(0o755)
        temporary.replace(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target
