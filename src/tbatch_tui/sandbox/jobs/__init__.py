"""The jobs and files of the sandbox."""
