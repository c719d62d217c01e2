"""The Pick screen: choose an input file."""
