"""Write a copy of an input file in which the faults that can be fixed are fixed."""
