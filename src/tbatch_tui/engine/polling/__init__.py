"""Ask the server for its list of jobs, at one pace."""
