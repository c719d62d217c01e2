"""Pictures of every screen, made from the demo."""
