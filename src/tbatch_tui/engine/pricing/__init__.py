"""Prices, estimates and costs."""
