"""Fewer triangles for a closed mesh, by merging the ends of its short edges, never breaking it.

Rounds of edge collapses that do not touch each other, all done at once with numpy. A collapse that would pinch the
surface (the link condition, Dey et al. 1999) or turn a triangle over is left out, so a closed manifold stays one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix

from .normals import face_normals, unit, vertex_normals

Projection = Callable[[np.ndarray], np.ndarray]

_FLATTEST, _SHARPEST = 2.0, 60.0  # curvatures (1 / length) between which triangles adapt in size
_LEAST_AGREEMENT = 0.3  # cosine between a triangle's normal before and after a collapse
_MOST_ROUNDS, _MOST_IDLE_ROUNDS = 200, 8


def decimate(
    vertices: np.ndarray,
    triangles: np.ndarray,
    faces: int,
    project: Projection,
    each_round: Callable[[], None] = lambda: None,
) -> tuple[np.ndarray, np.ndarray]:
    """A closed manifold mesh with at most ``faces`` triangles, where that is possible without breaking it.

    ``vertices`` float V x 3 in a cube of side 1, ``triangles`` int F x 3. ``project`` moves points (k x 3) onto the
    true surface; ``each_round`` is called before every round and may raise to stop. Bent places keep smaller triangles.
    """
    triangles = triangles.astype(np.int64)
    edges = _edges(triangles)
    bend = _curvature(vertices, triangles, edges)
    idle = 0
    for _ in range(_MOST_ROUNDS):
        if len(triangles) <= faces:
            break
        each_round()
        edges = _edges(triangles)
        chosen = _independent(vertices, edges, bend, (len(triangles) - faces + 1) // 2)
        middles = project((vertices[chosen[:, 0]] + vertices[chosen[:, 1]]) / 2)
        good = _unpinched(chosen, edges, len(vertices)) & _unturned(vertices, triangles, chosen, middles)
        # What cannot be collapsed now becomes dearer, so that its neighbours get their turn.
        bend[chosen[~good]] *= 1.5
        idle = 0 if good.any() else idle + 1
        if idle > _MOST_IDLE_ROUNDS:
            break
        vertices, triangles, bend = _collapse(vertices, triangles, bend, chosen[good], middles[good])
    return vertices, triangles


def _edges(triangles: np.ndarray) -> np.ndarray:
    """int E x 2: every edge of a closed mesh once, the smaller vertex first."""
    ends = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    # In a closed, consistently wound mesh every edge is met once in each direction.
    return ends[ends[:, 0] < ends[:, 1]]


def _curvature(vertices: np.ndarray, triangles: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How sharply the surface bends at each vertex (1 / radius, clipped), from the normals at the ends of edges."""
    normal = vertex_normals(vertices, triangles)
    a, b = edges.T
    length = np.maximum(np.linalg.norm(vertices[a] - vertices[b], axis=1), 1e-6)
    bend = np.linalg.norm(normal[a] - normal[b], axis=1) / length
    most = np.zeros(len(vertices))
    np.maximum.at(most, a, bend)
    np.maximum.at(most, b, bend)
    return np.clip(most, _FLATTEST, _SHARPEST)


def _independent(vertices: np.ndarray, edges: np.ndarray, bend: np.ndarray, most: int) -> np.ndarray:
    """The cheapest edges of which no two touch or are joined by an edge, int k x 2, at most ``most``."""
    a, b = edges.T
    cost = ((vertices[a] - vertices[b]) ** 2).sum(axis=1) * np.maximum(bend[a], bend[b])
    candidates = np.argsort(cost.astype(np.float32))[: max(len(edges) // 3, 16)]
    rank = np.full(len(edges), len(edges))
    rank[candidates] = np.arange(len(candidates))
    nearest = np.full(len(vertices), len(edges))
    for end in (a, b):
        np.minimum.at(nearest, end, rank)
    around = nearest.copy()
    np.minimum.at(around, a, nearest[b])
    np.minimum.at(around, b, nearest[a])
    first = candidates[np.minimum(around[a], around[b])[candidates] == rank[candidates]]
    return edges[first[:most]]


def _unpinched(chosen: np.ndarray, edges: np.ndarray, count: int) -> np.ndarray:
    """bool k: whether an edge's ends have exactly two common neighbours, neither of them left with two edges."""
    both = np.concatenate([edges, edges[:, ::-1]])
    links = csr_matrix((np.ones(len(both), np.int32), (both[:, 0], both[:, 1])), shape=(count, count))
    common = links[chosen[:, 0]].multiply(links[chosen[:, 1]]).tocsr()
    degree = np.bincount(both[:, 0], minlength=count)
    thin = common @ (degree <= 3).astype(np.int32)
    return (np.asarray(common.sum(axis=1)).ravel() == 2) & (thin == 0)


def _unturned(vertices: np.ndarray, triangles: np.ndarray, chosen: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """bool k: whether after a collapse every triangle still faces about the way it did."""
    collapse = np.full(len(vertices), -1)
    collapse[chosen[:, 0]] = collapse[chosen[:, 1]] = np.arange(len(chosen))
    moved = vertices.copy()
    moved[chosen[:, 0]] = moved[chosen[:, 1]] = middles
    corners = collapse[triangles]
    owner = corners.max(axis=1)
    stays = (owner >= 0) & ((corners >= 0).sum(axis=1) == 1)
    near = triangles[stays]
    before, after = unit(face_normals(vertices, near)), unit(face_normals(moved, near))
    turned = (before * after).sum(axis=1) < _LEAST_AGREEMENT
    good = np.ones(len(chosen), bool)
    good[owner[stays][turned]] = False
    return good


def _collapse(
    vertices: np.ndarray, triangles: np.ndarray, bend: np.ndarray, chosen: np.ndarray, middles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kept, gone = chosen.T
    vertices, bend = vertices.copy(), bend.copy()
    vertices[kept] = middles
    bend[kept] = np.maximum(bend[kept], bend[gone])
    target = np.arange(len(vertices))
    target[gone] = kept
    triangles = target[triangles]
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    alive = np.ones(len(vertices), bool)
    alive[gone] = False
    place = np.cumsum(alive) - 1
    return vertices[alive], place[triangles], bend[alive]
