"""The reasons for a posterior: what every piece of evidence contributes to the log odds of a cause."""
