"""The Results screen: each request with its answer."""
