"""Typed questions: modal screens that return an answer; escape is always no."""
