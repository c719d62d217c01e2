"""The engine: everything but the screen. It is usable from a script and imports no screen."""
