"""Scores: what the field calls them, as the published evaluations count them."""
