"""Measurements with a bar to pass; see README.md."""
