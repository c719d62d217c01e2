"""Pictures of every screen of the demo, for the README and the docs."""
