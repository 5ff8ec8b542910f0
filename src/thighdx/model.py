"""The model: loaded once, asked often, shared by threads, never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thighdx import later
from thighdx.compiled.case import open_case
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.compiled.reading import read_compiled
from thighdx.compiled.rebase import rebase_model
from thighdx.display import Shown
from thighdx.errors import Problem, ThighdxError
from thighdx.kb.resources import model_path
from thighdx.network.interchange import to_pgmpy
from thighdx.result import Result
from thighdx.tables import ScoresTables

if TYPE_CHECKING:
    import pandas as pd

    from thighdx.learning.learned import Learned

__all__ = ["Model", "load_model", "read_model"]


def load_model(name: str = "posterior_thigh", *, max_causes: int | None = None) -> Model:
    """Load a model that comes with thighdx.

    Parameters
    ----------
    name : str
        One of those that come with the package.
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

    Parameters
    ----------
    path : str or Path
        The folder.
    max_causes : int, optional
        As for `load_model`; default what its manifest says.

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
class Model(ScoresTables, Shown):
    """A compiled diagnostic network; immutable, picklable, safe to share between threads.

    Made by `load_model` and `read_model`.
    """

    compiled: CompiledModel = field(repr=False)

    def __post_init__(self) -> None:
        """Build the tables."""
        _ = self.network, self.vocabulary

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
            mentioned is unknown, which is not the same as absent. Ids may be written like headers of tables:
            ``Desk Work`` for ``desk_work``.
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
        """Draw patients from the model.

        Parameters
        ----------
        n : int
            How many, from 0 on.
        seed : int
            Of the generator; the same seed draws the same patients.
        setting : str, optional
            Where they are seen; default `default_setting`.

        Returns
        -------
        pandas.DataFrame
            A row per patient: the state of every variable, categorical, none unknown; the truth in boolean columns
            ``true_<cause>``.

        Raises
        ------
        EvidenceError
            If there is no such setting.

        Examples
        --------
        >>> patients = load_model().simulate(3, seed=1)
        >>> len(patients), patients.filter(like="true_").any(axis=1).all().item()
        (3, True)
        """
        name = self.default_setting if setting is None else setting
        return later.simulate_table(self.network, self.vocabulary, n, seed=seed, setting=name)

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
    ) -> Learned[Model]:
        """Return a new model whose judgements are moved as far as records justify, and no further.

        Parameters
        ----------
        records : frame, list of frames or record batches, function that returns these, or Counts
            Findings as for `score`, unknown where they are missing; the truth in boolean columns
            ``true_<cause>`` (null: not known) or in a text column ``true_cause`` of ids joined by ``;``. ``a;b``
            are all causes, ``a;+`` at least these, an empty cell is not known.
        name : str
            What the records are called in the new model, such as ``clinic_2026``; stands behind its version:
            ``0.2.0+clinic_2026``.
        truth : str, frame or sequence of str, optional
            Name of the text column if it is another, or the labels if they are not among the records.
        setting : str, optional
            Of records that do not name their own.
        weight : float
            How much one record counts; 0.5 for records that are believed half.
        use_unlabelled : bool
            Learn also from records whose causes are not known, through their posterior.
        seed : int
            Of the folds of the cross-validation.
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
        return later.learn(
            self,
            records,
            wrap=Model,
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

        Parameters
        ----------
        cause : str
            Id of the cause.

        Returns
        -------
        pandas.DataFrame
            See `thighdx.compiled.trace.trace_cause` for the columns.

        Raises
        ------
        UnknownNameError
            If there is no such cause.
        """
        self.vocabulary.cause_idx(cause)
        return later.trace_cause(self.compiled, cause)

    def template(self, table: str = "evidence") -> pd.DataFrame:
        """Return an empty table to fill in.

        Parameters
        ----------
        table : str
            ``"evidence"``: one row of unknowns with a column per variable, ready to be filled and scored. The
            name of a judgement table (``"links"``, ``"shares"``, ...): the keys that a new expert is asked
            about, with empty quantiles, in the format of the knowledge base.
        """
        return later.empty_table(self.compiled, table)

    def check(self) -> tuple[Problem, ...]:
        """Check names, judgements and what they add up to once more; nothing found means an empty tuple."""
        return tuple(later.check_compiled(self.compiled))

    def save(self, path: str | Path) -> Path:
        """Write the model's folder: its tables, its manifest (with rebased shares) and its compiled file.

        Parameters
        ----------
        path : str or Path
            A folder that does not exist or is empty, in one that exists; it appears complete or not at all.

        Raises
        ------
        FileExistsError
            If `path` exists and is not empty.
        FileNotFoundError
            If the folder it is to be in does not exist.
        """
        return later.save_model(self.compiled, path)

    def to_pgmpy(self, *, setting: str | None = None) -> Any:
        """Return the whole model for one setting as a pgmpy ``DiscreteBayesianNetwork``.

        The root ``explanation`` has one state per set of causes; everything else is its child.

        Parameters
        ----------
        setting : str, optional
            Default `default_setting`.

        Raises
        ------
        EvidenceError
            If there is no such setting.
        """
        name = self.default_setting if setting is None else setting
        return to_pgmpy(self.network, setting_idx=self.vocabulary.setting_code(name))
