"""Count what `diagnose` and `score` pass through, warm: python docs/trace_calls.py [-v]."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pandas as pd

import thighdx


def passed(call: Callable[[], Any]) -> Counter[tuple[str, str]]:
    """Return calls of functions of thighdx, by file and name."""
    found: Counter[tuple[str, str]] = Counter()

    def note(frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_filename
        if event == "call" and "thighdx" in name and frame.f_code.co_name[0] != "<":
            found[name.rpartition("thighdx/")[2], frame.f_code.co_name] += 1

    for _ in range(3):
        call()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


def main() -> None:
    """Print one line per call, and with -v every function."""
    model = thighdx.load_model()
    case = {"onset": "sudden", "bruising": True, "numbness": False}
    table = pd.DataFrame({"onset": ["sudden", "gradual"], "bruising": [True, False]})
    for name, call in (
        ("diagnose + posterior", lambda: model.diagnose(case).posterior),
        ("score of two rows", lambda: model.score(table)),
    ):
        found = passed(call)
        files = {file for file, _ in found}
        print(f"{name}: {found.total()} calls of {len(found)} functions in {len(files)} files")
        if "-v" in sys.argv:
            print(*(f"  {file}: {function} x{n}" for (file, function), n in found.items()), sep="\n")


if __name__ == "__main__":
    main()
