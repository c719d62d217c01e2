"""Follow jobs from the shell: what they are doing, and what they came to."""
