"""One input file as several jobs."""
