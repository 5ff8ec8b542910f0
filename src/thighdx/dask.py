"""The import path of `score_dask` for users; see `thighdx.cluster.dask`."""

from thighdx.cluster.dask import score_dask

__all__ = ["score_dask"]
