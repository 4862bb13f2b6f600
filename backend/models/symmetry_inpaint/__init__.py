"""Completion without learning: symmetry, ellipses and convex closure give the shape, mirrored pixels the colours."""
