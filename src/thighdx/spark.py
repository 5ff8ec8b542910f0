"""The import path of `score_spark` for users; see `thighdx.cluster.spark`."""

from thighdx.cluster.spark import score_spark

__all__ = ["score_spark"]
