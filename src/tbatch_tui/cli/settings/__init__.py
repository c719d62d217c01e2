"""The settings of a command: its profile, and what `config` tells of them."""
