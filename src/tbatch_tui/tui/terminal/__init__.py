"""What surrounds the app: clipboard, editor, notices, suspend and hang-up."""
