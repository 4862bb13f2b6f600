"""Completion by the learned starter, with what symmetry says as the other samples to choose from."""
