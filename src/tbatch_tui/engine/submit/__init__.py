"""Submit a file exactly once: save the intent, upload, create, and look up what was lost."""
