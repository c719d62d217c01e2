"""A reader for long text: wrapping, searching, selecting."""
