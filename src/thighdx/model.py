"""The model: loaded once, asked often, shared by threads, never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from thighdx.compiled.case import open_case
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.compiled.reading import read_compiled
from thighdx.display import Shown
from thighdx.errors import Problem, ThighdxError
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.kb.records import Variable
from thighdx.kb.resources import model_path
from thighdx.network.build import Network
from thighdx.result import Result

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from thighdx.evidence.column_map import ColumnMap
    from thighdx.learning.learned import Learned

TableT = TypeVar("TableT")

__all__ = ["Model", "load_model", "read_model"]


def load_model(name: str = "posterior_thigh", *, max_causes: int | None = None) -> Model:
    """Load a model that comes with thighdx.

    Parameters
    ----------
    name : str
    max_causes : int, optional
        How many causes may be present at once; the shipped model allows 2. Another number is solved
        here, which takes some seconds for 3 and minutes for 4.

    Examples
    --------
    >>> load_model().name
    'posterior_thigh'
    """
    return read_model(model_path(name), max_causes=max_causes)


def read_model(path: str | Path, *, max_causes: int | None = None) -> Model:
    """Load a model from its folder of tables.

    A folder that `thighdx model build` has compiled loads in a fraction of a second; one that was edited
    since is checked, fitted and solved again here, in memory, which takes some seconds.

    Raises
    ------
    KnowledgeBaseError
        With every problem of every table, or because the compiled file is damaged.

    Warns
    -----
    CompiledFileWarning
        If the compiled file belongs to other tables or another version of thighdx.
    """
    return Model(read_compiled(path, max_causes=max_causes))


@dataclass(frozen=True, eq=False)
class Model(Shown):
    """A compiled diagnostic network; immutable, picklable, safe to share between threads.

    Made by `load_model` and `read_model`.
    """

    compiled: CompiledModel = field(repr=False)

    def __post_init__(self) -> None:
        """Build the tables."""
        _ = self.compiled.network, self.compiled.vocabulary

    def __reduce__(self) -> tuple[type[Model], tuple[CompiledModel]]:
        """Pickle what the tables are made from."""
        return Model, (self.compiled,)

    def __repr__(self) -> str:
        """Return name, version and size."""
        network = self.network
        return (
            f"<thighdx.Model {self.name} {self.version} ({self.digest[:12]}): {len(self.causes)} causes, "
            f"{network.n_variables} variables, {network.explanations.n_explanations:,} explanations of up to "
            f"{self.max_causes} causes; not reviewed by clinicians>"
        )

    @property
    def network(self) -> Network:
        """The tables of the network."""
        return self.compiled.network

    @property
    def vocabulary(self) -> Vocabulary:
        """What evidence may say."""
        return self.compiled.vocabulary

    @property
    def name(self) -> str:
        """Name of the knowledge base."""
        return self.compiled.name

    @property
    def version(self) -> str:
        """Version of the knowledge base, not of the library."""
        return self.compiled.version

    @property
    def digest(self) -> str:
        """SHA-256 of the tables the model was made from, in hexadecimal."""
        return self.compiled.digest

    @property
    def disclaimer(self) -> str:
        """What the model is not."""
        return self.compiled.disclaimer

    @property
    def max_causes(self) -> int:
        """How many causes may be present at once."""
        return self.compiled.max_causes

    @property
    def settings(self) -> tuple[str, ...]:
        """Settings with shares and frequencies of their own."""
        return self.compiled.settings

    @property
    def default_setting(self) -> str:
        """The setting used where none is named."""
        return self.compiled.default_setting

    @property
    def residual_cause(self) -> str:
        """The cause that soaks up what the list leaves out, never ranked; empty where there is none."""
        return self.compiled.residual_cause

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Everything that can be evidence except causes, by id, in the model's order."""
        return self.compiled.variables

    @property
    def causes(self) -> Mapping[str, Variable]:
        """The causes by id, in the model's order."""
        return self.compiled.causes

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Named sets of causes."""
        return self.compiled.groups

    @property
    def rebased(self) -> Mapping[str, Mapping[str, float]]:
        """Shares a user put in place of the elicited ones, by setting and cause."""
        return self.compiled.rebased

    def diagnose(
        self,
        findings: Mapping[str, object] | pd.Series[Any],
        *,
        setting: str | None = None,
        ignore_unknown: bool = False,
    ) -> Result:
        """Return posteriors of every cause for one case.

        Parameters
        ----------
        findings : mapping of str to object, or pandas.Series
            Finding, context, pathology, test or cause id, or ``age`` in years (or ``date_of_birth`` and
            ``reference_date``), to what is known: True/False,
            1/0, yes/no, present/absent, positive/negative (for variables with these states), the name of a
            state, ``{state: likelihood}`` for uncertain evidence, or None, NaN or "" for unknown. What is not
            mentioned is unknown, which is not the same as absent.
        setting : str, optional
            Where the patient was seen; default `default_setting`.
        ignore_unknown : bool
            Leave names out that the model does not know, each with a warning in the result (code ``ignored``).

        Raises
        ------
        EvidenceError
            At a name or value that cannot be read.
        ImpossibleEvidenceError
            If the evidence cannot be true together; its `conflict` is a smallest set that cannot.

        Examples
        --------
        >>> model = load_model()
        >>> result = model.diagnose({"onset": "sudden", "bruising": True, "numbness": False, "age": 34})
        >>> result.evidence
        {'age_band': '18-39', 'onset': 'sudden', 'numbness': 'absent', 'bruising': 'present'}
        """
        return Result(open_case(self.compiled, findings, setting=setting, ignore_unknown=ignore_unknown))

    def diagnose_many(
        self,
        cases: Iterable[Mapping[str, object]],
        *,
        setting: str | None = None,
        ignore_unknown: bool = False,
    ) -> list[Result | ThighdxError]:
        """Return one result per case, for services that ask about several at once; `score` is for tables.

        Parameters
        ----------
        cases : iterable of mapping
            Each as for `diagnose`.
        setting, ignore_unknown
            As for `diagnose`, the same for all.

        Returns
        -------
        list of Result or ThighdxError
            In order; a case that cannot be read, or that is impossible, has its error in the place of a result.

        Raises
        ------
        EvidenceError
            If there is no such setting.

        Notes
        -----
        About a millisecond per case, as `diagnose`.

        Examples
        --------
        >>> found = load_model().diagnose_many([{"bruising": True}, {"bruising": "blue"}])
        >>> [type(item).__name__ for item in found]
        ['Result', 'EvidenceError']
        """
        name = self.settings[
            self.vocabulary.setting_code(self.default_setting if setting is None else setting)
        ]
        found: list[Result | ThighdxError] = []
        for case in cases:
            try:
                found.append(self.diagnose(case, setting=name, ignore_unknown=ignore_unknown))
            except ThighdxError as error:
                found.append(error)
        return found

    def score(
        self,
        table: TableT,  # an eager pandas, polars or pyarrow table; the same kind comes back
        *,
        setting: str | None = None,
        interval: float | None = None,
        triage: bool = False,
        groups: bool = False,
        status_detail: bool = False,
        columns: Mapping[str, str] | None = None,
        on_error: Literal["keep", "unknown", "raise"] = "keep",
        reference_date: str | date | None = None,
        n_threads: int | None = None,
    ) -> TableT:
        """Return posteriors of every cause for every row of a table.

        Parameters
        ----------
        table : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            One row per patient. Columns named like variables are evidence, and so are ``age``, ``setting``,
            ``given_<cause>`` and ``<variable>:<state>`` (likelihoods). What else gives a stream of Arrow batches
            is read too, and comes back as a pyarrow table.
        setting : str, optional
            Setting of the rows that do not name their own; default `default_setting`.
        interval : float, optional
            Level of credible intervals, such as 0.9: adds ``<cause>_lower`` and ``<cause>_upper``.
        triage : bool
            Adds the level of urgency of every row.
        groups : bool
            Adds ``group_<name>``, P(any member present).
        status_detail : bool
            Adds a column of that name: what could not be read, and what was expected; "" where all is well.
        columns : mapping of str to str, optional
            Column of the table to what it is read as. Such a column counts as evidence and is not passed through.
        on_error : {"keep", "unknown", "raise"}
            A row with a cell that cannot be read keeps its place, with a status that says why and no
            probabilities; is scored as if the cell were unknown; is an error.
        reference_date : date or str, optional
            The day when patients were seen, such as ``"2026-03-31"``: turns a column ``date_of_birth`` into ages. A
            column ``reference_date`` says it row by row.
        n_threads : int, optional
            Upper limit of threads, all by default; never changes a result.

        Returns
        -------
        table of the same kind
            See `thighdx.scoring.score.score_table` for its columns.

        Raises
        ------
        TableError
            If the table as a whole cannot be read, an option has no such value, or `on_error` is ``raise`` and a
            row is bad.
        EvidenceError
            If there is no such setting.

        Warns
        -----
        UserWarning
            If cells could not be read, with their column, value and number.
        """
        from thighdx.scoring.options import ScoreOptions
        from thighdx.scoring.score import Scoring, score_table

        options = ScoreOptions(
            setting=self.default_setting if setting is None else setting,
            interval=interval,
            triage=triage,
            groups=groups,
            status_detail=status_detail,
            columns={} if columns is None else columns,
            on_error=on_error,
            reference_date=reference_date,
            n_threads=n_threads,
        )
        return cast("TableT", score_table(Scoring.of(self.compiled, options), table))

    def explain_columns(
        self,
        table: Any,
        *,
        columns: Mapping[str, str] | None = None,
        reference_date: str | date | None = None,
        n_rows: int = 10_000,
    ) -> pd.DataFrame:
        """Say how each column of a table will be read, from its first rows; scores nothing.

        Parameters
        ----------
        table : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        columns, reference_date
            As for `score`.
        n_rows : int
            Rows looked at.

        Returns
        -------
        pandas.DataFrame
            One row per column: ``column``, ``role``, ``read_as``, ``type``; how many cells are ``known``, ``unknown``
            and ``bad``; ``bad_values``; a ``remark`` on what may have been meant.

        Raises
        ------
        TableError
            If the table as a whole cannot be read.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.DataFrame({"id": [7, 8], "onset": ["sudden", "suden"]})
        >>> found = load_model().explain_columns(table)
        >>> found[["column", "role", "known", "bad", "bad_values"]].values.tolist()
        [['id', 'passed through', 0, 0, ''], ['onset', 'evidence', 1, 1, "'suden' (1)"]]
        """
        from thighdx.evidence.frames import open_table
        from thighdx.scoring.column_readings import ColumnReadings
        from thighdx.scoring.options import ScoreOptions
        from thighdx.scoring.score import Scoring

        frame = open_table(table)
        options = ScoreOptions(
            setting=self.default_setting, columns=columns or {}, reference_date=reference_date
        )
        scoring = Scoring.of(self.compiled, options)
        readings = ColumnReadings(scoring, scoring.plan(frame.names), frame.kinds)
        shown = frame.part(0, n_rows)
        readings.add(shown, len(shown))
        return readings.to_frame()

    def score_batches(
        self,
        batches: Iterable[Any],  # of pyarrow.RecordBatch
        *,
        setting: str | None = None,
        interval: float | None = None,
        triage: bool = False,
        groups: bool = False,
        status_detail: bool = False,
        columns: Mapping[str, str] | None = None,
        top: int | None = None,
        column_map: str | Path | Mapping[str, Any] | ColumnMap | None = None,
        on_error: Literal["keep", "unknown", "raise"] = "keep",
        reference_date: str | date | None = None,
        n_threads: int | None = None,
    ) -> Iterator[Any]:
        """Score a stream of record batches, one after the other, in constant memory.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch
            All of one schema.
        setting, interval, triage, groups, status_detail, columns, on_error, reference_date, n_threads
            As for `score`.
        top, column_map
            As for `thighdx.Scorer`.

        Raises
        ------
        TableError, EvidenceError
            For options at once; for a batch, or a schema that changes between batches, where it comes.

        Examples
        --------
        >>> import pyarrow as pa
        >>> batch = pa.record_batch({"id": [1, 2], "bruising": ["yes", "no"]})
        >>> [scored.num_rows for scored in load_model().score_batches([batch, batch])]
        [2, 2]
        """
        from thighdx.scoring.scorer import Scorer

        scorer = Scorer(
            self,
            setting=setting,
            interval=interval,
            triage=triage,
            groups=groups,
            status_detail=status_detail,
            columns=columns,
            top=top,
            column_map=column_map,
            on_error=on_error,
            reference_date=reference_date,
            n_threads=n_threads,
        )
        return scorer.stream(batches)

    def warm(self, settings: Iterable[str] | str | None = None) -> None:
        """Make every table that a first request would have to make, so that a service answers the first at once.

        Tables are shared by threads and made once: without this, eight first requests wait for the first of them.

        Parameters
        ----------
        settings : iterable of str, or str, optional
            All of the model's by default; each takes about 10 MB and some hundredths of a second.

        Raises
        ------
        EvidenceError
            If there is no such setting.
        """
        wanted = self.settings if settings is None else (settings,) if isinstance(settings, str) else settings
        for setting in wanted:
            self.diagnose({}, setting=setting).to_dict()

    def simulate(self, n: int, *, seed: int, setting: str | None = None) -> pd.DataFrame:
        """Draw `n` patients from the model: all variables, and the truth in ``true_<cause>`` columns."""
        from thighdx.inference.simulate import simulate_table

        name = self.default_setting if setting is None else setting
        return simulate_table(self.network, self.vocabulary, n, seed=seed, setting=name)

    def rebase(
        self, shares: Mapping[str, float], *, setting: str | None = None, exclusive: bool = False
    ) -> Model:
        """Return a new model with a user's own shares of causes.

        Parameters
        ----------
        shares : mapping of cause to float
            P(cause present | complaint) among the user's patients, linear. Causes not named keep theirs.
        setting : str, optional
            The setting whose shares are replaced; default `default_setting`.
        exclusive : bool
            The shares come from a registry with one diagnosis per patient: they are scaled to the model's
            own mean number of causes.

        Returns
        -------
        Model
            How common a context or finding is given the causes stays as it is; how common it is overall
            follows from the new mix. Every result records the shares.

        Raises
        ------
        UnknownNameError, EvidenceError
            If a cause or setting does not exist, a share is outside (0, 1), or the shares cannot hold
            together: their sum must exceed 1 and stay below `max_causes`.

        Examples
        --------
        >>> shares = {"hamstring_strain": 0.3, "lumbar_radiculopathy": 0.05}
        >>> registry = load_model().rebase(shares, setting="primary_care")
        >>> round(float(registry.diagnose({}).posterior["hamstring_strain"]), 6)
        0.3
        """
        from thighdx.compiled.rebase import rebase_model

        name = self.default_setting if setting is None else setting
        known = self.settings[self.vocabulary.setting_code(name)]
        rebased = rebase_model(self.compiled, self.vocabulary, shares, setting=known, exclusive=exclusive)
        return Model(rebased)

    def learn(
        self,
        records: Any,
        *,
        name: str,
        truth: Any = None,
        setting: str | None = None,
        weight: float = 1.0,
        use_unlabelled: bool = True,
        seed: int = 0,
        patient: str | None = None,
        folds: int = 0,
        min_count: float = 5,
        progress: Callable[[str], None] | None = None,
    ) -> Learned:
        """Return a new model whose judgements are moved as far as records justify, and no further.

        Parameters
        ----------
        records : frame, list of frames or record batches, function that returns these, or Counts
            Findings as for `score`, unknown where they are missing; the truth in boolean columns
            ``true_<cause>`` (null: not known) or in a text column ``true_cause`` of ids joined by ``;``. ``a;b``
            are all causes, ``a;+`` at least these, an empty cell is not known.
        name : str
            What the records are called in the new model, such as ``clinic_2026``.
        truth : str, frame or sequence of str, optional
            Name of the text column if it is another, or the labels if they are not among the records.
        setting : str, optional
            Of records that do not name their own.
        weight : float
            How much one record counts; 0.5 for records that are believed half.
        use_unlabelled : bool
            Learn also from records whose causes are not known, through their posterior.
        seed : int
            Of the folds.
        patient : str, optional
            A column that says which records are of one patient, who is never in two folds.
        folds : int
            Cross-validate old against new in this many folds; 0: not at all.
        min_count : float
            Smaller expected counts are not given by value, neither in the new tables nor in `Learned.changes`.
        progress : callable, optional
            Called with a few words from time to time.

        Returns
        -------
        Learned
            With `model`, `changes`, `summary()`, `save(path)` and `evaluate(held_out)`.

        Raises
        ------
        TableError
            If nothing says what the causes were, the name is taken, or an argument makes no sense. Rows that
            cannot be used are left out and counted.

        Notes
        -----
        Generalized EM with Laplace's method; priors keep their shape. See ``docs/pages/explanation/learning.md``.

        Examples
        --------
        >>> model = load_model()
        >>> learned = model.learn(model.simulate(40, seed=1), name="forty")
        >>> learned.tally.complete, learned.model.digest != model.digest
        (40, True)
        """
        from thighdx.learning.learned import learn

        return learn(
            self,
            records,
            name=name,
            truth=truth,
            setting=setting,
            weight=weight,
            use_unlabelled=use_unlabelled,
            seed=seed,
            patient=patient,
            folds=folds,
            min_count=min_count,
            progress=progress,
        )

    def trace(self, cause: str) -> pd.DataFrame:
        """Return every judgement about a cause with its experts, quantiles, sources and notes.

        See `thighdx.compiled.trace.trace_cause` for the columns.
        """
        from thighdx.compiled.trace import trace_cause

        self.vocabulary.cause_idx(cause)
        return trace_cause(self.compiled, cause)

    def template(self, table: str = "evidence") -> pd.DataFrame:
        """Return an empty table to fill in.

        Parameters
        ----------
        table : str
            ``"evidence"``: one row of unknowns with a column per variable, ready to be filled and scored. The
            name of a judgement table (``"links"``, ``"shares"``, ...): the keys that a new expert is asked
            about, with empty quantiles, in the format of the knowledge base.
        """
        from thighdx.compiled.trace import judgement_template

        if table == "evidence":
            import pandas as pd

            row = {v.id: pd.Categorical([None], categories=v.states) for v in self.vocabulary.variables}
            return pd.DataFrame(row)
        return judgement_template(self.compiled, table)

    def check(self) -> tuple[Problem, ...]:
        """Check names, judgements and what they add up to once more; nothing found means an empty tuple."""
        from thighdx.compiled.compilation import check_compiled

        return tuple(check_compiled(self.compiled))

    def save(self, path: str | Path) -> Path:
        """Write the model's folder: its tables, its manifest (with rebased shares) and its compiled file.

        Raises
        ------
        FileExistsError
            If `path` exists and is not empty.
        """
        from thighdx.compiled.compilation import save_model

        return save_model(self.compiled, path)

    def to_pgmpy(self, *, setting: str | None = None) -> Any:
        """Return the whole model for one setting as a pgmpy ``DiscreteBayesianNetwork``.

        The root ``explanation`` has one state per set of causes; everything else is its child.
        """
        from thighdx.network.interchange import to_pgmpy

        name = self.default_setting if setting is None else setting
        return to_pgmpy(self.network, setting_idx=self.vocabulary.setting_code(name))
