"""The request of a row: its line, its custom_id, its image."""
