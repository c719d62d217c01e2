"""Write a copy of an input file in which everything that can be fixed without guessing is fixed."""
