"""Numbers, times and foreign text as plain strings. Imports no other package of ours."""
