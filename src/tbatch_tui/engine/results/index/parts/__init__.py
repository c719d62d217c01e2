"""The results of a file that was sent as several jobs."""
