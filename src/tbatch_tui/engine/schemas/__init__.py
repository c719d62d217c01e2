"""What an answer has to look like: schemas, their short text, and whether an answer is what was asked for."""
