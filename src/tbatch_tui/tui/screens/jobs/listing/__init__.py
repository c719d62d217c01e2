"""The rows of the Jobs list: which are shown, in which order, and what is in their cells."""
