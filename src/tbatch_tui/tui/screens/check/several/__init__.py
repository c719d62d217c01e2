"""Check of several files that are to be one group."""
