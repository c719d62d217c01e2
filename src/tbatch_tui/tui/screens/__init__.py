"""The six screens. They know neither each other nor the App."""
