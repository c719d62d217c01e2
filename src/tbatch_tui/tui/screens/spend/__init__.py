"""The Spend screen: what a month cost."""
