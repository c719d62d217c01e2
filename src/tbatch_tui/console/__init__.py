"""The screens' twins without a screen: one command a file, over the same controller, for scripts and screen readers."""
