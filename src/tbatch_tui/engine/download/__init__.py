"""Download result files: whole and verified, or not at all."""
