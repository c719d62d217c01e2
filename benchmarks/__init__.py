"""Each size of the product's promises, measured beside its peer on this machine and printed as a ratio."""
