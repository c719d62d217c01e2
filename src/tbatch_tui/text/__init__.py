"""Numbers, times and foreign text as plain strings. Imports nothing of the rest."""
