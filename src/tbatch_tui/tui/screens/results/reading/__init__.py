"""The record beside the list: a row in full, or a cause of errors."""
