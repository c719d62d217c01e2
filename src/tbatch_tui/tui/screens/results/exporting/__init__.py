"""Export: what is asked, what is remembered of it, and writing it."""
