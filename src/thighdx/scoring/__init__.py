"""A table or record batch in, the same with posteriors out."""
