"""The naive classifiers of scikit-learn, in a process of their own: one cause, nothing missing."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

__all__ = ["Yardstick"]


class Yardstick:
    """A process that times `predict_proba` on a ready float64 array whenever it is asked.

    Parameters
    ----------
    size : tuple of int
        Rows, binary features and classes.
    """

    def __init__(self, classifier: str, size: tuple[int, int, int]) -> None:
        command = [sys.executable, "-m", "benchmarks.yardstick", classifier, *map(str, size)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.seconds()  # warm up

    def seconds(self) -> float:
        """Time one pass."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def serve(classifier: str, n_rows: int, n_features: int, n_classes: int) -> None:
    """Answer every line of standard input with the seconds of one pass."""
    from sklearn import naive_bayes

    rng = np.random.default_rng(0)
    features = (rng.random((n_rows, n_features)) < 0.2).astype(np.float64)
    model = getattr(naive_bayes, classifier)().fit(features, np.arange(n_rows) % n_classes)
    for _ in sys.stdin:
        start = time.perf_counter()
        posterior = model.predict_proba(features)
        seconds = time.perf_counter() - start
        assert posterior.shape == (n_rows, n_classes)
        print(seconds, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], *map(int, sys.argv[2:5]))
