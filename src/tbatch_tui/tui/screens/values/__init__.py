"""The screen Values: what is in the fields of answers."""
