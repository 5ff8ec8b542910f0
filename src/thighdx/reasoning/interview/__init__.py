"""One question at a time, safety first, until the decision is stable."""
