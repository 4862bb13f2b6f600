"""Where an imported mesh stands: upright at a point, or where the picture's camera saw it. Plain numpy, no bpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .axes import rotation


@dataclass(frozen=True)
class View:
    """The camera a picture was taken with: ``matrix`` 4 x 4 camera to world without scale, and the picture's borders in
    camera coordinates (x right, y up), at distance 1 for a perspective camera, anywhere for an orthographic one."""

    matrix: np.ndarray
    left: float
    right: float
    bottom: float
    top: float
    perspective: bool

    def numbers(self) -> list[float]:
        """21 numbers that `of` reads: stored on the image."""
        borders = (self.left, self.right, self.bottom, self.top, float(self.perspective))
        return [float(n) for n in np.asarray(self.matrix, np.float64).ravel()] + [float(n) for n in borders]

    @classmethod
    def of(cls, numbers: Sequence[float]) -> View:
        """The view that `numbers` gave."""
        matrix = np.array(numbers[:16], np.float64).reshape(4, 4)
        left, right, bottom, top, perspective = numbers[16:21]
        return cls(matrix, left, right, bottom, top, bool(perspective))

    def fitted(self, width: int, height: int) -> View:
        """This view with its borders grown so that a picture of ``width`` x ``height`` pixels fits undistorted, the
        way a camera's background image is fitted."""
        wide, high = self.right - self.left, self.top - self.bottom
        grow_x = max(0.0, width / height * high - wide) / 2
        grow_y = max(0.0, height / width * wide - high) / 2
        left, right = self.left - grow_x, self.right + grow_x
        return View(self.matrix, left, right, self.bottom - grow_y, self.top + grow_y, self.perspective)


@dataclass(frozen=True)
class Standing:
    """How a mesh in Blender's axes is brought in: its vertices become ``v * scale - pivot``, the object gets
    ``matrix`` (4 x 4, no scale)."""

    scale: float
    pivot: np.ndarray
    matrix: np.ndarray

    def apply(self, vertices: np.ndarray) -> np.ndarray:
        """float32 N x 3, new."""
        return vertices * np.float32(self.scale) - self.pivot.astype(np.float32)


def _pivot(low: np.ndarray, high: np.ndarray, scale: float, origin: str) -> np.ndarray:
    """The object's origin in the scaled mesh: the middle of its bounding box, or of the box's floor for ``BASE``."""
    pivot = (low + high) / 2 * scale
    if origin == "BASE":
        pivot[2] = low[2] * scale
    return pivot


def _bounds(vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return vertices.min(axis=0).astype(np.float64), vertices.max(axis=0).astype(np.float64)


def _scale_to(low: np.ndarray, high: np.ndarray, height: float) -> float:
    """The scale that makes the box ``height`` high; a flat mesh takes its longest side instead."""
    extent = high - low
    return height / float(extent[2] if extent[2] > 1e-6 else max(float(extent.max()), 1e-6))


def at_point(vertices: np.ndarray, height: float, origin: str, point: Sequence[float]) -> Standing:
    """Upright, front towards -Y, ``height`` scene units high, with its origin ("BASE" or "CENTRE") at ``point``."""
    low, high = _bounds(vertices)
    scale = _scale_to(low, high, height)
    matrix = np.eye(4)
    matrix[:3, 3] = point
    return Standing(scale, _pivot(low, high, scale, origin), matrix)


def as_seen(
    vertices: np.ndarray,
    height: float,
    origin: str,
    view: View,
    size: tuple[int, int],
    centre: Sequence[float],
    side: float,
    distance: float,
) -> Standing:
    """Where ``view`` saw it: the mesh's unit cube covers the square of ``side`` pixels around ``centre`` (pixels, y
    down) of a picture of ``size`` (width, height), its front facing the camera.

    A perspective camera leaves size and distance tied to each other: ``height`` fixes both. An orthographic one fixes
    the size; the mesh then stands at ``distance``.
    """
    low, high = _bounds(vertices)
    width_px, height_px = size
    fitted = view.fitted(width_px, height_px)
    pixel = (fitted.right - fitted.left) / width_px
    x = fitted.left + centre[0] * pixel
    y = fitted.top - centre[1] * pixel
    if fitted.perspective:
        scale = _scale_to(low, high, height)
        distance = scale / (side * pixel)
        x, y = x * distance, y * distance
    else:
        scale = side * pixel
    pivot = _pivot(low, high, scale, origin)
    local = np.eye(4)
    local[:3, :3] = rotation().T
    local[:3, 3] = np.array([x, y, -distance]) + rotation().T @ pivot
    return Standing(scale, pivot, np.asarray(view.matrix, np.float64) @ local)
