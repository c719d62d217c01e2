"""Result files that are opened by their path."""
