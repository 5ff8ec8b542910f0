"""A room per question about a case: why, how sure, what next, what would change it, how urgent, what to do."""
