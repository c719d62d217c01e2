"""Jobs and files of the sandbox."""
