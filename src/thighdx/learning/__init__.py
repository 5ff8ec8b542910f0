"""Learning from records: judgements moved as far as patients justify, prior and data side by side."""
