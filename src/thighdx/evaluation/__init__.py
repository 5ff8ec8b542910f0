"""Whether the probabilities are honest: calibration and scores against labeled patients."""

from thighdx.evaluation.evaluation import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
