"""Cameras around an object."""
