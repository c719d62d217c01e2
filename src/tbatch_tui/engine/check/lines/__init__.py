"""Check one line: every rule, with the position of each finding."""
