"""From point values to a frozen network of tables over explanations."""
