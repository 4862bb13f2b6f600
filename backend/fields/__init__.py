"""Cameras around an object, and the surface of a field as a mesh."""
