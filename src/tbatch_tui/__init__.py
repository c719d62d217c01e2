"""A terminal app for Together AI's Batch API."""

from tbatch_tui._version import __version__

__all__ = ["__version__"]
