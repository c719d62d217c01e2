"""Recordings: what becomes of them."""
