"""The files that the server keeps: list them, and delete what may be deleted."""
