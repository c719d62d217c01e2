"""The index: where each row of the result files is, and which request it belongs to."""
