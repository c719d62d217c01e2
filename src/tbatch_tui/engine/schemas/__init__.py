"""What an answer has to look like: the short schema text."""
