"""What of a group is sent next, and what it waits for."""
