"""The list of results: which rows, in which order, with which columns."""
