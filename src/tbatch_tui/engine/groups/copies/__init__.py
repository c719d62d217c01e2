"""The files of parts, which are copies of what is in the input file: removed, and written anew."""
