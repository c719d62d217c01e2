"""Everything Textual: screens, widgets, dialogs, and the gate that foreign text passes."""
