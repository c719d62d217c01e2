"""Groups on the command line: one file as several jobs."""
