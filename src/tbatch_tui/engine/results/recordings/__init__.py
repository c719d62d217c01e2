"""What came back of recordings."""
