"""Lines so wide that no message is broken."""

from __future__ import annotations

import pytest


@pytest.fixture
def columns() -> int:
    return 200
