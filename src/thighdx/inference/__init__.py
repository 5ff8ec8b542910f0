"""Exact posteriors over explanations."""
