"""A review kit for experts: pages to read, a workbook to fill in, and a model with what they said.

Nobody who fills it in meets a program: numbers are asked as natural frequencies ("of 100 patients with this cause,
how many have ..."), each to be confirmed, changed (5, 50 and 95 %) or struck, with a comment.
"""

from __future__ import annotations

from thighdx.review.answer import Answer
from thighdx.review.apply import Reviewer, ReviewOutcome, apply_reviews
from thighdx.review.pages import write_pages
from thighdx.review.questions import review_items
from thighdx.review.reading import read_review
from thighdx.review.workbook import write_workbook

__all__ = [
    "Answer",
    "ReviewOutcome",
    "Reviewer",
    "apply_reviews",
    "read_review",
    "review_items",
    "write_pages",
    "write_workbook",
]
