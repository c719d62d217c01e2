"""The command line: what is typed in a shell, and the exit code that comes back."""
