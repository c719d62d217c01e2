"""Answers as data: the fields of many answers in columns, what is in them, and where two sets of answers differ."""
