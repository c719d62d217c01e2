"""A local Together API on loopback: for `--demo`, for this project's tests, and for anyone's scripts and CI.

It imports nothing of the rest of the app. `server.main` is the command, `testing.Sandbox` runs it inside a test, and
`demo.samples.write_samples` writes the demo's input files.
"""
