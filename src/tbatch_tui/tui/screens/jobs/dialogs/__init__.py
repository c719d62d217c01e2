"""The questions of Jobs and Job that take more than yes or no."""
