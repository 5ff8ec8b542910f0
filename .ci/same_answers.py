"""Compare two files of posteriors that should be the same up to rounding."""

from __future__ import annotations

import sys

import pandas as pd

# Single-precision sums of up to a hundred table rows, made by different versions of the same libraries.
TOLERANCE = 1e-5


def main(first: str, second: str) -> None:
    """Exit with a message unless every posterior agrees."""
    one, other = pd.read_csv(first), pd.read_csv(second)
    numbers = one.select_dtypes("number")
    gap = (numbers - other[numbers.columns]).abs().max().max()
    if len(one) != len(other) or not gap <= TOLERANCE:
        sys.exit(f"{first} and {second} differ by {gap}, expected at most {TOLERANCE}")
    print(f"{first} and {second} agree within {gap:.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])
