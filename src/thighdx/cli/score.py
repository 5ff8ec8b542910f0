"""`thighdx score`: a table of patients in, the posterior of every cause out."""

from __future__ import annotations

import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thighdx.cli.options import ModelOption, SettingOption, open_model
from thighdx.cli.output import say
from thighdx.errors import TableError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

    from thighdx.model import Model
    from thighdx.network.spec import Floats

__all__ = ["Precision", "score"]

PROGRESS_AFTER_SECONDS = 2.0
STANDARD_STREAM = "-"
SETTING = "setting"


class Precision(StrEnum):
    """Number format of the work."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"


def score(
    table: Annotated[
        str,
        typer.Argument(
            metavar="IN", help="Table of patients (.csv, .csv.gz, .parquet), or - for CSV in a pipe."
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="File to write, by its ending like IN, or -.")
    ],
    setting: SettingOption = None,
    model: ModelOption = None,
    groups: Annotated[bool, typer.Option("--groups", help="Add a column for every group of causes.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(
            help="Add credible intervals of this level, such as 0.9: CAUSE_lower and CAUSE_upper.",
            show_default=False,
        ),
    ] = None,
    triage: Annotated[bool, typer.Option("--triage", help="Add the level of urgency.")] = False,
    dtype: Annotated[Precision, typer.Option(help="Number format of the work.")] = Precision.FLOAT32,
    top: Annotated[int, typer.Option(min=1, help="How many leading causes to show.")] = 3,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but warnings and errors.")
    ] = False,
) -> None:
    """Score every row of a table: the posterior of every cause.

    Columns named like findings are read, and so are age, setting, given_CAUSE and FINDING:STATE
    (likelihoods). An empty cell is unknown, which is not the same as absent. All other columns pass through.
    A row that cannot be read keeps its place, has its problem in the column 'status' and no probabilities.

    With the truth in a column true_cause (ids joined by ;) or in columns true_CAUSE, which are never read as
    evidence, it counts how often a true cause is first and among the first.
    """
    from thighdx.cli.files import open_table_file
    from thighdx.cli.report import print_report
    from thighdx.cli.sinks import create_table_file
    from thighdx.cli.summary import Summary

    _check_names(table, output)
    started = time.perf_counter()
    with open_table_file(table) as source:
        loaded = open_model(model)
        name = loaded.default_setting if setting is None else setting
        loaded.vocabulary.setting_code(name)  # a wrong setting is found before any work
        summary = Summary(loaded.vocabulary, loaded.compiled.kb.manifest.residual_cause, top)
        said = _Said()
        with (
            create_table_file(output, notes=_notes(loaded, name)) as sink,
            _progress(source.n_rows) as advance,
        ):
            for chunk in source.chunks:
                with said.listening(), _named(table):
                    scored = loaded.score(
                        read_likelihoods(chunk, loaded),
                        setting=name,
                        interval=interval,
                        triage=triage,
                        groups=groups,
                        dtype=dtype.value,
                    )
                sink.write(scored)
                summary.has_settings = SETTING in chunk.column_names
                summary.add(scored)
                advance(chunk.num_rows)
    for message in said.messages():
        say(f"thighdx: warning: {message}")
    if not quiet:
        seconds = time.perf_counter() - started
        print_report(summary, loaded, setting=name, output=output, seconds=seconds)


def _check_names(table: str, output: str) -> None:
    """Refuse endings that are not known, and an output that is the input: the evidence would be lost."""
    from thighdx.cli.files import table_format

    table_format(table)
    table_format(output)
    if STANDARD_STREAM in (table, output) or not (Path(output).exists() and Path(table).exists()):
        return
    if Path(output).samefile(table):
        raise TableError(f"{output}: is the input too; its findings would be lost; choose another output")


def _numbers(column: pa.ChunkedArray) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return text as numbers, NaN where it is unknown or none, and where it is none."""
    import narwhals.stable.v2 as nw

    from thighdx.distinct import read_numbers

    read = read_numbers(nw.from_native(column, series_only=True), allow_text=True)
    return read.values, read.is_wrong


def _notes(model: Model, setting: str) -> dict[str, str]:
    """Say in the file itself where its numbers are from, where the format has a place for that."""
    return {
        "thighdx.model": f"{model.name} {model.version}",
        "thighdx.digest": model.digest,
        "thighdx.setting": setting,
        "thighdx.disclaimer": model.disclaimer,
    }


def read_likelihoods(table: pa.Table, model: Model) -> pa.Table:
    """Turn columns of likelihoods that were read as text into numbers.

    A cell that is no number makes its row ``wrong_type``: the cell becomes unknown beside known ones, which
    is what a likelihood for some states only is.
    """
    import numpy as np
    import pyarrow as pa

    columns: dict[str, list[str]] = {}
    for name in table.column_names:
        variable = name.partition(":")[0]
        if (
            ":" in name
            and variable in model.vocabulary.index
            and pa.types.is_string(table.schema.field(name).type)
        ):
            columns.setdefault(variable, []).append(name)
    for names in columns.values():
        read = [_numbers(table.column(name)) for name in names]
        is_wrong = np.any([wrong for _, wrong in read], axis=0)
        for position, (values, _) in enumerate(read):
            if is_wrong.any():
                values = np.where(is_wrong, np.nan if position == 0 else 1.0, values)
            index = table.column_names.index(names[position])
            table = table.set_column(index, names[position], pa.array(values, from_pandas=True))
    return table


@contextmanager
def _named(table: str) -> Iterator[None]:
    """Let errors about the table say which file it is."""
    try:
        yield
    except TableError as error:
        name = "standard input" if table == STANDARD_STREAM else table
        raise TableError(f"{name}: {str(error).removeprefix('table: ')}") from None


@dataclass(slots=True)
class _Said:
    """Warnings of all parts of a table, each once; numbers of rows add up."""

    counts: dict[tuple[str, str], int | None] = field(default_factory=dict)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Collect what is said inside."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            yield
        for item in caught:
            message = str(item.message)
            if counted := re.fullmatch(r"(.*?)\b(\d+)( rows .*)", message, re.DOTALL):
                key = (counted[1], counted[3])
                self.counts[key] = (self.counts.get(key) or 0) + int(counted[2])
            else:
                self.counts[message, ""] = None

    def messages(self) -> Iterator[str]:
        """Yield every message."""
        for (before, after), count in self.counts.items():
            yield before if count is None else f"{before}{count}{after}"


@contextmanager
def _progress(n_rows: int | None) -> Iterator[Callable[[int], object]]:
    """Show how far it is, on a terminal and only if it takes a while."""
    from tqdm import tqdm

    with tqdm(
        total=n_rows,
        unit=" rows",
        unit_scale=True,
        delay=PROGRESS_AFTER_SECONDS,
        disable=not sys.stderr.isatty(),
        leave=False,
        file=sys.stderr,
    ) as shown:
        yield shown.update
