"""Blocks that several models are built from."""
