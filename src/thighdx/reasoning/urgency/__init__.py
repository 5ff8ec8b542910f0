"""The urgency of a case, its reasons, the safety questions still open, and what to do."""
