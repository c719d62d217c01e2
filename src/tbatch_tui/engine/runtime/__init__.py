"""The engine's background tasks, and what they share."""
