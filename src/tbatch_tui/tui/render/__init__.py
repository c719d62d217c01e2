"""Values as styled text: pure functions, shared by the screens."""
