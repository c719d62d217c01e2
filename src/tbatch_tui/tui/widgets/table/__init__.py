"""A table for any number of rows, painted line by line."""
