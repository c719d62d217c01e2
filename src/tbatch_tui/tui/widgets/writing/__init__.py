"""Texts of several lines to write in."""
