"""What must not wait, and what to do: levels, their reasons, and advice."""
