"""Compose: requests of the rows of a table."""
