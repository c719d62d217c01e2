"""Submit one input file as several jobs."""
