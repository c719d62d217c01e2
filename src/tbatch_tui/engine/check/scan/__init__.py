"""Check a whole file: fast where nothing is wrong, line by line where something is."""
