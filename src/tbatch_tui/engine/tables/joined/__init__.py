"""The parts of joining back: which request a row has, its answer, and copies of each format."""
