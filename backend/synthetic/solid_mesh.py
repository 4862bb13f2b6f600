"""Meshes of synthetic objects: colours at the vertices, a part for each face."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import mcubes
import numpy as np
import torch

_REACH = 1.6  # solids are made to lie within this half side
_COARSE = 24


@dataclass(frozen=True, eq=False)
class SolidMesh:
    """``vertices`` float32 V x 3, ``faces`` int64 F x 3 (counter-clockwise from outside), ``colours`` float32 V x 3
    (sRGB, 0 to 1), ``face_parts`` int64 F (indices into ``part_names``)."""

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    face_parts: np.ndarray
    part_names: tuple[str, ...]

    @functools.cached_property
    def normals(self) -> np.ndarray:
        """Unit normals at the vertices, weighted by the faces' areas: float32 V x 3."""
        first, second, third = (self.vertices[self.faces[:, k]].astype(np.float64) for k in range(3))
        across = np.cross(second - first, third - first)
        count = len(self.vertices)
        summed = np.stack(
            [sum(np.bincount(self.faces[:, k], across[:, axis], count) for k in range(3)) for axis in range(3)], axis=-1
        )
        length = np.linalg.norm(summed, axis=1, keepdims=True)
        return (summed / np.maximum(length, 1e-12)).astype(np.float32)

    @property
    def foot_and_size(self) -> tuple[np.ndarray, float]:
        """The middle of the bounds' lower side (float64 3), and the longest side."""
        low, high = self.vertices.min(axis=0).astype(float), self.vertices.max(axis=0).astype(float)
        return np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2]), max(float((high - low).max()), 1e-9)

    def standing(self) -> SolidMesh:
        """Scaled to a longest side of 1, on y = 0, centred in x and z."""
        foot, size = self.foot_and_size
        return replace(self, vertices=np.ascontiguousarray((self.vertices - foot) / size, np.float32))


def mesh_of_field(distance: Callable[[torch.Tensor], torch.Tensor], resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (float32 V x 3) and faces (int64 F x 3) of the surface where ``distance`` is 0.

    A coarse grid finds the solid's bounds and which cells of the fine one are near the surface; only there the field
    is computed. ValueError when there is no surface within reach.
    """
    axis = np.linspace(-_REACH, _REACH, _COARSE + 1, dtype=np.float32)
    coarse = _sample(distance, [axis, axis, axis])
    step = axis[1] - axis[0]
    near = np.argwhere(coarse < step)
    if len(near) == 0:
        raise ValueError("the solid has no surface within reach")
    low, high = axis[near.min(axis=0)] - step, axis[near.max(axis=0)] + step
    cell = float((high - low).max()) / resolution
    axes = [np.arange(a - 2 * cell, b + 3 * cell, cell, dtype=np.float32) for a, b in zip(low, high, strict=True)]
    values = _fine(distance, axes, cell)
    vertices, faces = mcubes.marching_cubes(values, 0.0)
    place = np.array([a[0] for a in axes]) + vertices * cell
    # PyMCubes winds faces towards lower values.
    return place.astype(np.float32), np.ascontiguousarray(faces[:, ::-1].astype(np.int64))


def _sample(distance: Callable[[torch.Tensor], torch.Tensor], axes: list[np.ndarray]) -> np.ndarray:
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return distance(torch.from_numpy(grid.reshape(-1, 3))).numpy().reshape(grid.shape[:3])


def _fine(distance: Callable[[torch.Tensor], torch.Tensor], axes: list[np.ndarray], cell: float) -> np.ndarray:
    """The field on the fine grid; far from the surface every fourth sample, repeated."""
    skip = 4
    sparse = _sample(distance, [axis[::skip] for axis in axes])
    size = tuple(len(axis) for axis in axes)
    values = sparse
    for k in range(3):
        values = np.repeat(values, skip, axis=k)
    values = values[: size[0], : size[1], : size[2]].copy()
    # A sample is at most 3 cells a side from the one it repeats.
    at = np.argwhere(np.abs(values) < 2.2 * skip * cell)
    points = np.stack([axes[k][at[:, k]] for k in range(3)], axis=-1)
    values[tuple(at.T)] = distance(torch.from_numpy(points)).numpy()
    return values
