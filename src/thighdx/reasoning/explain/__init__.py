"""Why: what every piece of evidence contributes to the log odds of a cause."""
