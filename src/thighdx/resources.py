"""The import path of shipped models and data for users; see `thighdx.kb.resources`."""

from thighdx.kb.resources import data_path, model_path, shipped_models

__all__ = ["data_path", "model_path", "shipped_models"]
