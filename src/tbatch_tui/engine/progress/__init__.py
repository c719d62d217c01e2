"""How a job has gone so far, and when it may end."""
