"""What an answer has to look like: schemas, and whether an answer is what was asked for."""
