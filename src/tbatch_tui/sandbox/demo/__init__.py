"""The jobs and the sample files of the demo."""
