"""From a table to requests, step by step: a draft, what it makes of a row, and what it comes to. Knows no screen."""
