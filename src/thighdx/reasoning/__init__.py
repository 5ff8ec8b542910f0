"""Why, how sure, what next, what would change the answer, how urgent: on top of the posterior."""
