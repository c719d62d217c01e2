"""A reading pane for long text: wrapping, searching and selecting."""
