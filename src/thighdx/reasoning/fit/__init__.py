"""The fit of the evidence: with itself, and with the causes that are listed."""
