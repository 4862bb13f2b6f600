"""Fitting an ellipse to outline points of which some belong to something else."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

_TRIES = 150
_SAMPLE = 10
_MAX_ASPECT = 6.0


@dataclass(frozen=True)
class Ellipse:
    """Centre and half axes in pixels; ``angle`` (radians) of the axis ``a``."""

    x: float
    y: float
    a: float
    b: float
    angle: float

    @property
    def radius(self) -> float:
        """Of the disc with the same area."""
        return math.sqrt(self.a * self.b)

    def _local(self, points: np.ndarray) -> np.ndarray:
        shifted = points - (self.x, self.y)
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return np.stack([shifted @ (cos, sin), shifted @ (-sin, cos)], axis=-1)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """About how far each of ``points`` (N x 2: x, y) lies from the curve, in pixels (exact on a circle)."""
        local = self._local(points)
        level = np.hypot(local[:, 0] / self.a, local[:, 1] / self.b)
        slope = np.hypot(local[:, 0] / self.a**2, local[:, 1] / self.b**2) / np.maximum(level, 1e-6)
        return np.abs(level - 1) / np.maximum(slope, 1e-6)

    def filled(self, shape: tuple[int, int]) -> np.ndarray:
        """bool mask of ``shape`` (height, width)."""
        rows, columns = np.mgrid[: shape[0], : shape[1]]
        local = self._local(np.stack([columns, rows], axis=-1).reshape(-1, 2))
        return (np.hypot(local[:, 0] / self.a, local[:, 1] / self.b) <= 1).reshape(shape)


def _fit(points: np.ndarray) -> Ellipse | None:
    (x, y), (width, height), degrees = cv2.fitEllipseDirect(points)
    sizes = (width / 2, height / 2)
    if not np.isfinite([x, y, *sizes]).all() or min(sizes) < 2 or max(sizes) > _MAX_ASPECT * min(sizes):
        return None
    return Ellipse(x, y, *sizes, math.radians(degrees))


def ellipse_through(points: np.ndarray) -> Ellipse | None:
    """The ellipse that most of ``points`` (float32 N x 2: x, y; N at least 24) lie on, or None.

    RANSAC (Fischler and Bolles, 1981) over direct least-squares fits (Fitzgibbon et al., 1999), with a fixed seed.
    """
    random = np.random.default_rng(0)
    tolerance = max(1.0, 0.02 * float(np.linalg.norm(points.std(axis=0))))
    # No fit may be much larger than what it explains: a flat arc fits any huge ellipse.
    largest = 1.5 * float(np.ptp(points, axis=0).max())
    best = np.zeros(len(points), bool)
    # Samples spread along the whole outline pin an ellipse down better than neighbours do.
    around = points[np.argsort(np.arctan2(*(points - points.mean(axis=0)).T))]
    strata = np.linspace(0, len(points), _SAMPLE + 1).astype(int)
    for _ in range(_TRIES):
        fit = _fit(around[random.integers(strata[:-1], strata[1:])])
        if fit is not None and max(fit.a, fit.b) <= largest:
            near = fit.distance(points) < tolerance
            if near.sum() > best.sum():
                best = near
    if best.sum() < 0.4 * len(points):
        return None
    return _fit(points[best])
