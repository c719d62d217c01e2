"""Commands that make input files, and tables of answers."""
