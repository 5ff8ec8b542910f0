"""What users say - a case, a column, a table, a hospital's codes - as a batch of codes."""
