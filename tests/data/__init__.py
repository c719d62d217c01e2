"""What other versions of tbatch-tui left behind, and how it was made: see README.md."""
