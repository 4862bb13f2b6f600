"""From a squared height field to a closed triangle mesh: the surface |z| = h(x, y), iso level 0 of h^2 - z^2."""

from __future__ import annotations

from collections.abc import Callable

import mcubes
import numpy as np
from scipy.ndimage import map_coordinates
from scipy.sparse import coo_matrix

from backend.meshes.decimate import decimate

from .silhouette import PAD_CELLS, grid_axis

_SPARE_FACES = 80_000  # marching cubes makes about so many more faces than wanted, up to four times as many in all;
_MOST_SPARE = 3.0  # merging edges takes them away where the surface is flat
_FEWEST_CELLS = 32


def closed_surface(
    squared_height: np.ndarray, cells: int, faces: int, each_round: Callable[[], None] = lambda: None
) -> tuple[np.ndarray, np.ndarray]:
    """The mesh of a height field and its mirror image behind the plane z = 0.

    ``squared_height`` float32 n x n as made by height.py; ``faces`` about how many triangles are wanted at most.
    Returns vertices float32 V x 3 in units of the outline's side and faces int32 F x 3, counter-clockwise.
    """
    wanted = _cells_for(squared_height, cells, faces)
    if wanted < cells:
        squared_height, cells = _resampled(squared_height, cells, wanted), wanted
    surface = _Surface(squared_height, cells)
    vertices, triangles = surface.marching_cubes()
    vertices = surface.relaxed(vertices, triangles, 3)
    vertices, triangles = decimate(vertices, triangles, faces, surface.projected, each_round)
    vertices = surface.relaxed(vertices, triangles, 2)
    return vertices.astype(np.float32), triangles.astype(np.int32)


def _cells_for(squared_height: np.ndarray, cells: int, faces: int) -> int:
    """At how many cells marching cubes makes enough triangles to choose ``faces`` from, at most ``cells``."""
    height = np.sqrt(np.maximum(squared_height, 0.0))
    dy, dx = np.gradient(height * cells)
    area = 2 * float(np.sqrt(1 + dx**2 + dy**2)[height > 0].sum())  # in cells; each makes a little over 2 triangles
    raw = faces + min(_SPARE_FACES, _MOST_SPARE * faces)
    return int(np.clip(cells * np.sqrt(raw / (2.2 * max(area, 1.0))), _FEWEST_CELLS, cells))


def _resampled(squared_height: np.ndarray, cells: int, wanted: int) -> np.ndarray:
    rows = (grid_axis(wanted) + 0.5) * cells + PAD_CELLS
    return map_coordinates(squared_height, np.meshgrid(rows, rows, indexing="ij"), order=1, mode="nearest")


class _Surface:
    """The implicit function h^2 - z^2 on a grid, in units of the outline's side."""

    def __init__(self, squared_height: np.ndarray, cells: int) -> None:
        self.cells = cells
        self.squared_height = squared_height
        self.slope_y, self.slope_x = (slope * cells for slope in np.gradient(squared_height))

    def marching_cubes(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices float64 V x 3 and triangles int64 F x 3."""
        layers = int(np.ceil(np.sqrt(max(float(self.squared_height.max()), 0.0)) * self.cells)) + 2
        z = np.arange(-layers, layers + 1, dtype=np.float32) / self.cells
        # Axes in the order x, y, z make the triangles' winding come out as seen from outside.
        vertices, triangles = mcubes.marching_cubes(self.squared_height.T[:, :, None] - z**2, 0.0)
        vertices = (vertices - (PAD_CELLS, PAD_CELLS, layers)) / self.cells - (0.5, 0.5, 0.0)
        return vertices, triangles.astype(np.int64)

    def projected(self, points: np.ndarray) -> np.ndarray:
        """``points`` moved onto the surface by one step of Newton's method, by at most half a cell."""
        place = (points[:, 1::-1].T + 0.5) * self.cells + PAD_CELLS
        value, slope_x, slope_y = (
            map_coordinates(grid, place, order=1, mode="nearest")
            for grid in (self.squared_height, self.slope_x, self.slope_y)
        )
        value = value - points[:, 2] ** 2
        gradient = np.stack([slope_x, slope_y, -2 * points[:, 2]], axis=1)
        length = np.maximum(np.linalg.norm(gradient, axis=1), 1e-6)
        step = np.clip(value / length, -0.5 / self.cells, 0.5 / self.cells)
        return points - (step / length)[:, None] * gradient

    def relaxed(self, vertices: np.ndarray, triangles: np.ndarray, rounds: int) -> np.ndarray:
        """Vertices moved along the surface towards their neighbours' middle: evener triangles, the same shape."""
        count = len(vertices)
        edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        links = coo_matrix((np.ones(len(edges)), edges.T), shape=(count, count)).tocsr()
        degree = np.maximum(np.asarray(links.sum(axis=1)), 1)
        for _ in range(rounds):
            vertices = self.projected(vertices + 0.5 * (links @ vertices / degree - vertices))
        return self.projected(vertices)
