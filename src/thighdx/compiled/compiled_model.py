"""What a model is made of: solved numbers at hand, and everything behind them when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from thighdx.evidence.vocabulary import Vocabulary, make_vocabulary
from thighdx.kb.records import KnowledgeBase, Variable
from thighdx.network.build import Network, SolvedParameters, build_network
from thighdx.network.rebase import Shares
from thighdx.network.spec import Floats, NetworkSpec
from thighdx.once import Keeps, Once
from thighdx.words import Labels

if TYPE_CHECKING:
    from thighdx.elicitation.judgements import PooledJudgement, PooledKey

__all__ = ["CompiledModel", "ModelCard", "ModelFacts", "judged_by"]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Which model gave an answer."""

    name: str
    version: str
    digest: str
    max_causes: int
    residual_cause: str
    groups: Mapping[str, tuple[str, ...]]
    must_not_miss_group: str
    rebased: Mapping[str, Mapping[str, float]]
    disclaimer: str

    @property
    def must_not_miss(self) -> tuple[str, ...]:
        """The causes that must not be missed; none where the model names no group of them."""
        return self.groups.get(self.must_not_miss_group, ())


class ModelFacts:
    """What every model says of itself: a `CompiledModel`, and the `thighdx.Model` that answers questions with one.

    Attributes
    ----------
    compiled : CompiledModel
        All that the model is made of.
    """

    compiled: CompiledModel

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
        return self.compiled.kb.manifest.name

    @property
    def version(self) -> str:
        """Version of the knowledge base, not of the library."""
        return self.compiled.kb.manifest.version

    @property
    def digest(self) -> str:
        """SHA-256 of the tables the model was made from, in hexadecimal."""
        return self.compiled.kb.digest

    @property
    def disclaimer(self) -> str:
        """What the model is not."""
        return self.compiled.kb.manifest.disclaimer

    @property
    def max_causes(self) -> int:
        """How many causes may be present at once."""
        return self.compiled.spec.max_causes

    @property
    def settings(self) -> tuple[str, ...]:
        """Settings with shares and frequencies of their own."""
        return self.compiled.spec.settings

    @property
    def default_setting(self) -> str:
        """The setting used where none is named."""
        return self.compiled.kb.manifest.default_setting

    @property
    def residual_cause(self) -> str:
        """The cause that soaks up what the list leaves out, never ranked; empty where there is none."""
        return self.compiled.kb.manifest.residual_cause

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Everything that can be evidence except causes, by id, in the model's order."""
        return MappingProxyType({v.id: v for v in self.vocabulary.variables})

    @property
    def causes(self) -> Mapping[str, Variable]:
        """The causes by id, in the model's order."""
        return MappingProxyType({v.id: v for v in self.vocabulary.causes})

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Named sets of causes."""
        return MappingProxyType({group.id: group.members for group in self.compiled.kb.groups})


@dataclass(frozen=True, eq=False)
class CompiledModel(ModelFacts, Keeps):
    """A knowledge base with its pooled judgements and solved parameters.

    Attributes
    ----------
    kb : KnowledgeBase
        Reads each of its tables at first use.
    judged : Once
        The pooled judgements, revived from arrays at first use.
    spec, solved : NetworkSpec, SolvedParameters
        Of the shares as they were rebased.
    elicited : (n_settings, n_causes) float64
        The shares of the tables.
    rebased : mapping of setting to mapping of cause to float
        The shares that took their place.
    """

    kb: KnowledgeBase
    judged: Once[Mapping[PooledKey, PooledJudgement]]
    spec: NetworkSpec
    solved: SolvedParameters
    elicited: Floats
    rebased: Shares
    compiled: CompiledModel = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Be what every model says it is made of."""
        object.__setattr__(self, "compiled", self)

    def __reduce__(self) -> tuple[type[CompiledModel], tuple[Any, ...]]:
        """Pickle what the rest is made from."""
        return CompiledModel, (self.kb, self.judged, self.spec, self.solved, self.elicited, self.rebased)

    @cached_property
    def card(self) -> ModelCard:
        """What answers say about their model."""
        return ModelCard(
            name=self.name,
            version=self.version,
            digest=self.digest,
            max_causes=self.max_causes,
            residual_cause=self.residual_cause,
            groups=dict(self.groups),  # plain, so that results can be pickled
            must_not_miss_group=self.kb.manifest.must_not_miss_group,
            rebased=self.rebased,
            disclaimer=self.disclaimer,
        )

    @cached_property
    def network(self) -> Network:
        """The tables of the network."""
        return build_network(self.spec, self.solved)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What evidence may say."""
        return make_vocabulary(self.kb.variables, self.spec.settings, self.kb.manifest.complaints)

    @property
    def labels(self) -> Labels:
        """What things are called, causes and findings as briefly as they can be told apart; see `thighdx.words`."""
        return self.kb.short_labels

    @property
    def pooled(self) -> Mapping[PooledKey, PooledJudgement]:
        """Every number of the tables with what the experts believe about it, and its point value."""
        return self.judged()


def judged_by(
    beliefs: Mapping[str, npt.NDArray[Any]], kb: KnowledgeBase
) -> Once[Mapping[PooledKey, PooledJudgement]]:
    """Return the judgements that arrays hold, to be revived at first use."""
    return Once(partial(_revive, beliefs, kb))


def _revive(
    beliefs: Mapping[str, npt.NDArray[Any]], kb: KnowledgeBase
) -> Mapping[PooledKey, PooledJudgement]:
    from thighdx.elicitation.compiled import (
        from_arrays,
    )  # late: brings scipy, which a single case does not need

    return from_arrays(beliefs, kb)
