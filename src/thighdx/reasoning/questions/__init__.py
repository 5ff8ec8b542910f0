"""The open questions, ranked by what their answers are expected to settle."""
