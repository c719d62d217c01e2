"""Every key of the app, defined once, and what is derived from that."""
