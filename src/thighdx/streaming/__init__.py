"""Tables of any length: read in parts, scored on every core, written so that nothing is ever half done."""
