"""A local Together API on loopback: for `--demo`, for the tests, and for anyone's own scripts and CI.

It stands alone: nothing here knows the rest of the app. `server.main` is the command, `testing.Sandbox` the same
thing inside a test, `samples.write_samples` the demo's input files.
"""
