"""Together's API: the only package that imports the SDK and httpx."""
