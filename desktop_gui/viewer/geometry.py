"""A mesh as the graphics card wants it, and its shading normals. Built off the Qt thread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol import Mesh

CLAY = (196, 196, 200, 255)


@dataclass(frozen=True)
class Geometry:
    """``vertices`` float32 V x 8 (position, normal, u v) and ``colours`` uint8 V x 4, indexed by ``indices`` uint32.
    ``texture`` uint8 H x W x 4 with the bottom row first, or None. ``coloured`` is False for a grey preview."""

    vertices: np.ndarray
    colours: np.ndarray
    indices: np.ndarray
    texture: np.ndarray | None
    coloured: bool
    low: np.ndarray
    high: np.ndarray

    @property
    def triangles(self) -> int:
        return len(self.indices) // 3


def build(mesh: Mesh) -> Geometry:
    """``mesh`` ready to be drawn."""
    count = len(mesh.vertices)
    vertices = np.zeros((count, 8), np.float32)
    vertices[:, :3] = mesh.vertices
    vertices[:, 3:6] = normals(mesh.vertices, mesh.faces)
    texture = None
    if mesh.texture is not None and mesh.uvs is not None:
        vertices[:, 6:] = mesh.uvs
        opaque = np.full((*mesh.texture.shape[:2], 4), 255, np.uint8)
        opaque[..., :3] = mesh.texture[..., :3]
        texture = np.ascontiguousarray(opaque[::-1])
    colours = mesh.colours if mesh.colours is not None else np.full((count, 4), CLAY, np.uint8)
    return Geometry(
        vertices,
        np.ascontiguousarray(colours),
        np.ascontiguousarray(mesh.faces.reshape(-1), np.uint32),
        texture,
        texture is not None or mesh.colours is not None,
        mesh.vertices.min(0),
        mesh.vertices.max(0),
    )


def normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals, float32 V x 3, each the mean of its faces weighted by area. Vertices that a texture seam doubled
    at one place share one normal, so that the seam does not show."""
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    keys = np.ascontiguousarray(np.round(vertices * 65536).astype(np.int32)).view([("", np.int32)] * 3).reshape(-1)
    _, place = np.unique(keys, return_inverse=True)
    summed = np.stack(
        [
            np.bincount(place[faces].reshape(-1), np.repeat(across[:, axis], 3), minlength=int(place.max()) + 1)
            for axis in range(3)
        ],
        1,
    )[place]
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return (summed / np.maximum(length, 1e-20)).astype(np.float32)
