"""Files of any length, scored in constant memory."""
