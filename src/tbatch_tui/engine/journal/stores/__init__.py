"""What `JobStore` is made of: a store a subject, each on the journal's thread."""
