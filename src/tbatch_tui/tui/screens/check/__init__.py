"""The Check screen: problems of an input file, line by line."""
