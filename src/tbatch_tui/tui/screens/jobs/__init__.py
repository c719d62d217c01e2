"""The Jobs screen: the live list."""
