"""What the sandbox answers to requests."""
