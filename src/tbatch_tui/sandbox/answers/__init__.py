"""The content of the sandbox's answers."""
