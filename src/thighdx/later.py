"""What a model and a result import when they are first asked for it.

A posterior needs none of it, and all of it together would make the first one of a process wait half a second:
explanations, questions, judgements and intervals bring parts of scipy (60 to 200 ms), learning scipy.stats and YAML
(400 ms), tables pandas and pyarrow (150 ms); urgency, advice and patients drawn at random 5 to 10 ms each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thighdx.first_use import importer

if TYPE_CHECKING:
    from thighdx.compiled.compilation import check_compiled as check_compiled
    from thighdx.compiled.compilation import save_model as save_model
    from thighdx.compiled.trace import empty_table as empty_table
    from thighdx.compiled.trace import trace_cause as trace_cause
    from thighdx.inference.simulate import simulate_table as simulate_table
    from thighdx.learning.learned import learn as learn
    from thighdx.reasoning.explain.contributions import (
        contrast_causes as contrast_causes,
    )
    from thighdx.reasoning.explain.contributions import (
        explain_cause as explain_cause,
    )
    from thighdx.reasoning.fit.evidence_fit import evidence_fit as evidence_fit
    from thighdx.reasoning.intervals.credible_intervals import credible_intervals as credible_intervals
    from thighdx.reasoning.questions.next_questions import next_questions as next_questions
    from thighdx.reasoning.sensitivity.one_way import sensitivity as sensitivity
    from thighdx.reasoning.urgency.levels import urgency_after as urgency_after
    from thighdx.reasoning.urgency.management import management as management
    from thighdx.reasoning.urgency.triage import triage as triage
    from thighdx.scoring.column_readings import explain_table as explain_table
    from thighdx.scoring.score import score_table as score_table
    from thighdx.scoring.scorer import Scorer as Scorer


_HOMES = {
    "Scorer": "thighdx.scoring.scorer",
    "check_compiled": "thighdx.compiled.compilation",
    "contrast_causes": "thighdx.reasoning.explain.contributions",
    "credible_intervals": "thighdx.reasoning.intervals.credible_intervals",
    "empty_table": "thighdx.compiled.trace",
    "evidence_fit": "thighdx.reasoning.fit.evidence_fit",
    "explain_cause": "thighdx.reasoning.explain.contributions",
    "explain_table": "thighdx.scoring.column_readings",
    "learn": "thighdx.learning.learned",
    "management": "thighdx.reasoning.urgency.management",
    "next_questions": "thighdx.reasoning.questions.next_questions",
    "save_model": "thighdx.compiled.compilation",
    "score_table": "thighdx.scoring.score",
    "sensitivity": "thighdx.reasoning.sensitivity.one_way",
    "simulate_table": "thighdx.inference.simulate",
    "trace_cause": "thighdx.compiled.trace",
    "triage": "thighdx.reasoning.urgency.triage",
    "urgency_after": "thighdx.reasoning.urgency.levels",
}
__all__ = [*_HOMES]
__getattr__ = importer(__name__, _HOMES)
