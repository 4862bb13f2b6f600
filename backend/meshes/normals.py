"""Normals of a mesh."""

from __future__ import annotations

import numpy as np


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """float F x 3, of length twice the triangle's area, pointing outwards."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors (k x 3) at length 1; vectors of no length stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-20)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """float64 V x 3 unit normals, each the mean of its triangles' by area."""
    normals = np.zeros((len(vertices), 3))
    around = face_normals(vertices.astype(np.float64), faces)
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(faces[:, corner], around[:, axis], len(vertices))
    return unit(normals)
