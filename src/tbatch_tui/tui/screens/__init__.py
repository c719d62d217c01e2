"""The screens. They know neither each other nor the App."""
