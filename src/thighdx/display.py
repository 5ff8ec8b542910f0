"""What a notebook shows of an object, and the page about a case: the one door from the answers up to their HTML."""

from __future__ import annotations

import datetime
from typing import Any, TypeAlias

__all__ = ["Day", "Shown", "page_of"]

Day: TypeAlias = str | datetime.date


class Shown:
    """What has a picture in notebooks; `thighdx.html.fragments.fragment` draws it, by its type."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """Return the same for notebooks."""
        from thighdx.html.fragments import fragment  # late: html knows everything that is shown

        return fragment(self)


def page_of(result: Any, **words: Any) -> str:
    """Return the page about a case; see `thighdx.html.case_report.case_report`."""
    from thighdx.html.case_report import case_report  # late: html knows everything that is shown

    return case_report(result, **words)
