"""An interview, one question at a time."""
