"""What people read, in English: every sentence, heading and word of a case that does not come from a model.

In the order of the rooms that say them. A key has a dot; `thighdx.words` tells how values are put in.
"""

from __future__ import annotations

from collections.abc import Mapping

from thighdx.english.answers import ANSWERS
from thighdx.english.pages import PAGES
from thighdx.english.pictures import PICTURES

__all__ = ["ENGLISH"]

ENGLISH: Mapping[str, str] = {**ANSWERS, **PAGES, **PICTURES}
