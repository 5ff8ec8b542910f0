"""The axes of a figure that a plot made for itself."""

from __future__ import annotations

import io
import warnings
from typing import Any

from matplotlib.axes import Axes

__all__ = ["OwnAxes"]


class OwnAxes(Axes):
    """Axes that a notebook shows, although no window manager knows of their figure."""

    def _repr_png_(self) -> bytes:
        """Show the whole figure."""
        figure: Any = self.figure
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", facecolor=figure.get_facecolor())
        return buffer.getvalue()

    @property
    def ax(self) -> OwnAxes:
        """These axes, as version 0.1 had them."""
        warnings.warn("plots return the axes themselves; leave .ax out", DeprecationWarning, stacklevel=2)
        return self
