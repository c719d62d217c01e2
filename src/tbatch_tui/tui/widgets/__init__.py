"""Widgets that know nothing about jobs: tables, lines and panes."""
