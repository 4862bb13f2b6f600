"""Which part of an object each vertex and face of its mesh belongs to."""

from __future__ import annotations

import numpy as np


def vertex_labels(scores: np.ndarray) -> np.ndarray:
    """uint16 V: the label (column) of the highest score; ``scores`` float V x C."""
    return scores.argmax(axis=1).astype(np.uint16)


def face_labels(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """uint16 F: the label of each face, that of most of its corners.

    ``vertices``: float V x C, a score of each label for each vertex, or integer V, its label. ``faces`` int F x 3.
    Where three corners have three labels, the one of them with the highest mean score over the corners is taken, or
    without scores the smallest.
    """
    labels = vertices if vertices.ndim == 1 else vertex_labels(vertices)
    corners = np.sort(labels[faces].astype(np.uint16), axis=1)
    # In order, a label that two corners share is the middle one.
    chosen = corners[:, 1].copy()
    tied = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2])
    chosen[tied] = corners[tied, 0]
    if vertices.ndim == 2 and tied.any():
        mean = vertices[faces[tied]].mean(axis=1)
        among = np.take_along_axis(mean, corners[tied].astype(np.intp), axis=1).argmax(axis=1)
        chosen[tied] = np.take_along_axis(corners[tied], among[:, None], axis=1)[:, 0]
    return chosen
