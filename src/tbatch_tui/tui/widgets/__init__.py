"""Widgets that know nothing of jobs: tables, lines, panes."""
