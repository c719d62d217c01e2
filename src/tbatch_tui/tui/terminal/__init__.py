"""The terminal around the app: clipboard, editor, pager, notifications, suspend and hang-up."""
