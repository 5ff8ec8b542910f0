"""The import path of `diff_models` for users; see `thighdx.compiled.difference`."""

from thighdx.compiled.case_difference import ComparedCase
from thighdx.compiled.difference import ModelDifference, diff_models

__all__ = ["ComparedCase", "ModelDifference", "diff_models"]
