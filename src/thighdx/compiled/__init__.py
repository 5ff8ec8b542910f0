"""A model read, checked, pooled, solved, stored, re-based, traced and compared."""
