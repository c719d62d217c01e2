"""Find rows of an index: by their ids, or by what a mask has of them."""
