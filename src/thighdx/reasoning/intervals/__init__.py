"""How sure: credible intervals from the elicited uncertainty of every judgement."""
