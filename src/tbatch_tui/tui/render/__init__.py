"""Values as styled text: pure functions that several screens share."""
