"""From a table to a batch: recipes, readers, templates, and the input file that is made of them."""
