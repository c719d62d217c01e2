"""One module a format: each gives the rows of a source one after the other."""
