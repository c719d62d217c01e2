"""The Job screen: one job in full."""
