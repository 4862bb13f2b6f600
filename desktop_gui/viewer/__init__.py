"""The 3D view of a mesh."""
