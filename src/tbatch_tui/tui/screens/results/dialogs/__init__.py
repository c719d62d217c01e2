"""The questions of Results."""
