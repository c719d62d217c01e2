"""The Files screen: what the server keeps."""
