"""After marching: the largest part alone, and fewer faces, with what belongs to the vertices carried over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.meshes.decimate import decimate
from backend.meshes.normals import face_normals, vertex_normals


@dataclass(frozen=True)
class LargestPart:
    """The part's ``vertices`` float32 V x 3 and ``faces`` int32 F x 3, ``kept`` int V: which vertices of the whole they
    were, and how many parts and faces were left out."""

    vertices: np.ndarray
    faces: np.ndarray
    kept: np.ndarray
    dropped_parts: int
    dropped_faces: int


@dataclass(frozen=True)
class Lightened:
    """``vertices`` float32 V x 3 and ``faces`` int32 F x 3; ``nearest`` int V: the vertex of the surface before that is
    nearest to each. Colours and labels of the vertices before, taken at ``nearest``, are those of the vertices now."""

    vertices: np.ndarray
    faces: np.ndarray
    nearest: np.ndarray


def largest_part(vertices: np.ndarray, faces: np.ndarray) -> LargestPart:
    """The connected part that encloses the greatest volume; hollows inside it are parts of their own and go too.

    ``vertices`` float V x 3, ``faces`` int F x 3 of a closed mesh of at least one face. Vertices without a face go.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ends = np.concatenate([faces[:, :2], faces[:, 1:]])
    links = coo_matrix((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(len(vertices),) * 2)
    part = connected_components(links, directed=False)[1][faces[:, 0]]
    # Six times the volume, positive where faces point outwards: that between the faces and the origin.
    place = vertices.astype(np.float64)
    volume = np.bincount(part, (place[faces[:, 0]] * face_normals(place, faces)).sum(axis=1))
    chosen = part == volume.argmax()
    kept, corners = np.unique(faces[chosen], return_inverse=True)
    return LargestPart(
        vertices[kept],
        corners.reshape(-1, 3).astype(np.int32),
        kept,
        len(np.unique(part)) - 1,
        int((~chosen).sum()),
    )


def lightened(
    vertices: np.ndarray, faces: np.ndarray, most: int, check: Callable[[], None] = lambda: None
) -> Lightened:
    """The closed surface with at most ``most`` faces, where that is possible without breaking it.

    ``vertices`` float V x 3 in a cube of side 1, ``faces`` int F x 3 as extracted: dense, so that its tangent planes
    stand for the true surface. ``check`` is called often and may raise to stop.
    """
    from scipy.spatial import KDTree

    tree, dense = KDTree(vertices), vertices.astype(np.float64)
    normals = vertex_normals(dense, faces)

    def onto_surface(points: np.ndarray) -> np.ndarray:
        nearest = tree.query(points)[1]
        away = ((points - dense[nearest]) * normals[nearest]).sum(axis=1, keepdims=True)
        return points - away * normals[nearest]

    fewer, triangles = decimate(dense, faces, most, onto_surface, check)
    return Lightened(fewer.astype(np.float32), triangles.astype(np.int32), np.asarray(tree.query(fewer)[1]))
