"""Whether the evidence fits together, and whether it fits any listed cause."""
