"""Credible intervals of posteriors: how sure they are, given the elicited uncertainty of every judgement."""
