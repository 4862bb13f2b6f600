"""Surfaces of fields, coarse to fine against every sample of the grid: `python -m benchmarks.surface [--cells N]`."""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from backend.fields.surface import STRIDE, Density, Surface, extract_surface

from .report import report

MOST_POINTS = 0.1
MOST_CELLS_AWAY = 0.5
LEVEL = 50.0  # of the raw density, as pix2pix3D is published
_STEEPNESS = 400.0  # density over length


def smooth(points: np.ndarray) -> np.ndarray:
    """A torus."""
    around = np.hypot(points[:, 0], points[:, 1]) - 0.3
    return LEVEL + _STEEPNESS * (0.12 - np.hypot(around, points[:, 2]))


def tri_plane(seed: int, size: int = 128, channels: int = 8, hidden: int = 32) -> Density:
    """A ball made uneven by random planes, their bilinear samples summed and decoded by a random network."""
    random = np.random.default_rng(seed)
    noise = gaussian_filter(random.standard_normal((3, size, size, channels)), (0, 2, 2, 0), mode="wrap")
    planes = (noise / noise.std()).astype(np.float32).reshape(3, size * size, channels)
    first = (random.standard_normal((channels, hidden)) / np.sqrt(3 * channels)).astype(np.float32)
    last = (random.standard_normal(hidden) / np.sqrt(hidden)).astype(np.float32)

    def density(points: np.ndarray) -> np.ndarray:
        place = np.clip((points + 0.5) * (size - 1), 0, size - 1 - 1e-3)
        corner = place.astype(np.intp)
        part = place - corner
        features = np.zeros((len(points), channels), np.float32)
        for plane, (u, v) in zip(planes, ((0, 1), (0, 2), (2, 1)), strict=True):
            for du in (0, 1):
                for dv in (0, 1):
                    weight = (part[:, u] if du else 1 - part[:, u]) * (part[:, v] if dv else 1 - part[:, v])
                    features += weight[:, None] * plane[(corner[:, u] + du) * size + corner[:, v] + dv]
        uneven = np.logaddexp(features @ first, np.float32(0)) @ last
        return LEVEL + 8 * uneven + _STEEPNESS * (0.34 - np.linalg.norm(points, axis=1))

    return density


def timed(density: Density, cells: int, stride: int = STRIDE) -> tuple[Surface, float]:
    start = time.perf_counter()
    surface = extract_surface(density, LEVEL, cells, stride=stride)
    return surface, time.perf_counter() - start


def furthest(one: np.ndarray, other: np.ndarray, cells: int) -> float:
    """In cells: how far a vertex of either surface is from the nearest of the other at most."""
    away = max(KDTree(b).query(a)[0].max() for a, b in ((one, other), (other, one)))
    return float(away) * (cells - 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=256)
    cells = parser.parse_args().cells
    results: dict[str, Any] = {"cells": cells}
    bars: dict[str, bool] = {}
    for name, density in (("smooth", smooth), ("tri-plane", tri_plane(0))):
        extract_surface(density, LEVEL, 32)  # loads what is loaded on first use
        sparse, seconds = timed(density, cells)
        dense, dense_seconds = timed(density, cells, stride=1)
        share = sparse.evaluated / dense.evaluated
        away = furthest(sparse.vertices, dense.vertices, cells)
        results |= {
            f"{name}: points, dense": dense.evaluated,
            f"{name}: points, coarse to fine": sparse.evaluated,
            f"{name}: share of the points": share,
            f"{name}: dense (s)": dense_seconds,
            f"{name}: coarse to fine (s)": seconds,
            f"{name}: times as fast": dense_seconds / seconds,
            f"{name}: vertices": len(sparse.vertices),
            f"{name}: same triangles": bool(np.array_equal(sparse.faces, dense.faces)),
            f"{name}: furthest vertex (cells)": away,
        }
        bars[f"{name}: at most {MOST_POINTS} of the points"] = share <= MOST_POINTS
        bars[f"{name}: vertices within {MOST_CELLS_AWAY} cells"] = away <= MOST_CELLS_AWAY
    return report("surface", results, bars)


if __name__ == "__main__":
    raise SystemExit(main())
