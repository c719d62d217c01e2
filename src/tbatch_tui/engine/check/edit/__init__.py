"""Write a copy of an input file with another model, parameters or system prompt, or with some of its lines."""
