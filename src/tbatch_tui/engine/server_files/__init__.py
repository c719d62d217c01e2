"""List the files on the server, and delete those that nothing needs."""
