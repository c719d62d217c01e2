"""What the demo starts with."""
