"""Which cells of the unit cube a closed surface fills."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_BATCH = 1 << 20  # pairs of a triangle and a column at a time
_ASIDE = (1.37e-6, 2.91e-6, 0.0)  # of a cell: no line runs exactly through an edge, where two faces would count


def occupancy(vertices: np.ndarray, faces: np.ndarray, side: int) -> np.ndarray:
    """bool side x side x side (x, y, z): which middles of the cells of the cube of side 1 around 0 lie inside a closed
    surface (vertices float V x 3, faces int F x 3, counter-clockwise from outside).

    Along the line through each column of cells the crossings are counted by the way that they go: a point is inside
    where the surface winds round it, so parts that overlap are one, and a surface turned inside out holds nothing.
    """
    corners = (np.asarray(vertices, np.float64)[faces] + 0.5) * side - 0.5 + _ASIDE
    edges = corners[:, 1:] - corners[:, :1]
    twice = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    corners, edges, twice = (each[twice != 0] for each in (corners, edges, twice))
    crossings = np.zeros((side, side, side + 1), np.int32)
    for face, columns in _candidates(corners[..., :2], side):
        away, (one, other) = columns - corners[face, 0, :2], edges[face].swapaxes(0, 1)
        first = (away[:, 0] * other[:, 1] - away[:, 1] * other[:, 0]) / twice[face]
        second = (away[:, 1] * one[:, 0] - away[:, 0] * one[:, 1]) / twice[face]
        height = corners[face, 0, 2] + first * one[:, 2] + second * other[:, 2]
        hit = (first >= 0) & (second >= 0) & (first + second <= 1)
        above = np.clip(np.ceil(height[hit]), 0, side).astype(int)
        x, y = columns[hit].T
        np.add.at(crossings, (x, y, above), np.where(twice[face[hit]] > 0, -1, 1))
    return np.cumsum(crossings, axis=2)[..., :-1] > 0


def _candidates(corners: np.ndarray, side: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """In batches, triangles (indices into ``corners``, float F x 3 x 2) and columns (int K x 2) that they may cover:
    those in the box around each."""
    low = np.clip(np.ceil(corners.min(axis=1)), 0, side).astype(int)
    spans = np.clip(np.floor(corners.max(axis=1)) + 1 - low, 0, side - low).astype(int)
    ends = np.cumsum(spans.prod(axis=1))
    total = int(ends[-1]) if len(ends) else 0
    for start in range(0, total, _BATCH):
        pair = np.arange(start, min(start + _BATCH, total))
        face = np.searchsorted(ends, pair, side="right")
        within = pair - (ends[face] - spans[face].prod(axis=1))
        yield face, low[face] + np.stack(np.divmod(within, spans[face, 1]), axis=-1)
