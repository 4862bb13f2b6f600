"""A labelled field's surface as a mesh: closed, with a colour for each vertex and a label for each face."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.fields.surface import extract_surface
from backend.meshes.decimate import decimate
from backend.meshes.labels import face_labels
from backend.meshes.pieces import largest_piece
from backend.models.pix2pix3d.field import LabelledField
from protocol.values import Mesh

CELLS = 256
_FEW = 6_000  # faces, for which half the cells are enough
_STEPS = 4  # of Newton's method, back to the surface
_NEAR = 2e-3  # for slopes by differences
_FARTHEST = 0.01  # one step


def mesh_of(field: LabelledField, faces: int, context: Any, cells: int = 0) -> Mesh:
    """About ``faces`` triangles of the largest piece of ``field``'s surface, in the cube of side 1; see
    `LabelledField.mesh`. ``cells`` along each axis are looked at; 0 picks as many as ``faces`` need."""
    config = field.network.config

    def density(points: np.ndarray) -> np.ndarray:
        return field.at(points)[2]

    found = extract_surface(
        density, config.iso_level, cells or (CELLS // 2 if faces < _FEW else CELLS), check=context.check
    )
    vertices, triangles = largest_piece(found.vertices, found.faces)

    def project(points: np.ndarray) -> np.ndarray:
        return _onto(density, config.iso_level, points.astype(np.float32))

    vertices, triangles = decimate(vertices, triangles, faces, project, context.check)
    vertices = vertices.astype(np.float32)
    colours, logits, _ = field.at(vertices)
    rgba = np.full((len(vertices), 4), 255, np.uint8)
    rgba[:, :3] = np.clip(colours, 0, 1) * 255 + 0.5
    labels = None
    if not config.draws:
        # The surface is never background, which is what is not there.
        labels = face_labels(logits[:, 1:], triangles) + np.uint16(1)
    return Mesh(vertices, triangles.astype(np.int32), rgba, face_labels=labels)


def _onto(density: Any, level: float, points: np.ndarray) -> np.ndarray:
    """``points`` (k x 3) moved along the density's slope to where it is ``level``."""
    for _ in range(_STEPS):
        count = len(points)
        shifts = np.concatenate([np.zeros((1, 3)), np.eye(3) * _NEAR]).astype(np.float32)
        values = density((points[None] + shifts[:, None]).reshape(-1, 3)).reshape(4, count)
        slope = (values[1:] - values[0]).T / _NEAR
        length = np.maximum((slope**2).sum(axis=1), 1e-6)
        step = (level - values[0])[:, None] * slope / length[:, None]
        size = np.linalg.norm(step, axis=1, keepdims=True)
        points = points + step * np.minimum(1, _FARTHEST / np.maximum(size, 1e-9))
    return points
