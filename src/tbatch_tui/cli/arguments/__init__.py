"""The arguments of commands, and the order in which these are listed."""
