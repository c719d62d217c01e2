"""Submit a file exactly once: commit the intent, upload, create, and look up what was lost."""
