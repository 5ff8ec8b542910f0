"""What would change the answer: one-way sensitivity to every judgement that touches a case."""
