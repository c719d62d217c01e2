"""Benchmarks: each promised size measured beside its peer on this machine, and printed as a ratio."""
