"""How fast, and against what: `python -m benchmarks` prints the table of the README."""
