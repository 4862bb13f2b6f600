"""Fields to find surfaces in: density is larger inside, the surface is at 0 unless said otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Density = Callable[[np.ndarray], np.ndarray]


def sphere(points: np.ndarray, centre: tuple[float, float, float] = (0, 0, 0), radius: float = 0.31) -> np.ndarray:
    return radius - np.linalg.norm(points - np.array(centre, np.float32), axis=1)


def torus(points: np.ndarray) -> np.ndarray:
    around = np.hypot(points[:, 0], points[:, 2]) - 0.3
    return 0.08 - np.hypot(around, points[:, 1])


def plate(normal: tuple[float, float, float], cells: int, thick: float = 1.5) -> Density:
    """A round plate of ``thick`` cells, between samples of a coarse grid."""
    across = np.array(normal) / np.linalg.norm(normal)
    cell = 1 / (cells - 1)
    # Half-way between two of the samples that a coarse grid of four cells has there.
    middle = (4 * ((cells - 1) // 8) + 2) * cell - 0.5

    def density(points: np.ndarray) -> np.ndarray:
        distance = thick * cell / 2 - np.abs(points @ across - middle)
        return np.minimum(distance, 0.36 - np.linalg.norm(points, axis=1))

    return density


def two_blobs(points: np.ndarray) -> np.ndarray:
    return np.maximum(sphere(points, (-0.2, 0.1, 0), 0.17), sphere(points, (0.25, -0.1, 0.05), 0.1))


def over_the_border(points: np.ndarray) -> np.ndarray:
    return sphere(points, (0.3, 0.3, 0.1), 0.45)


def noisy_far_away(points: np.ndarray) -> np.ndarray:
    """A sphere; well away from its surface, other noise at every point."""
    distance = sphere(points)
    noise = np.modf(np.sin(points.astype(np.float64) @ [127.1, 311.7, 74.7]) * 43758.5)[0]
    return distance + 0.04 * noise * (np.abs(distance) > 0.12)


def perceptron(seed: int, hidden: int = 12) -> Density:
    """A ball whose surface a random network with two layers of sines makes uneven."""
    random = np.random.default_rng(seed)
    first, second = random.normal(0, 9, (3, hidden)), random.normal(0, 0.7, (hidden, hidden))
    last, shift = random.normal(0, 0.07 / np.sqrt(hidden), hidden), random.uniform(-3, 3, hidden)
    first, second, last, shift = (each.astype(np.float32) for each in (first, second, last, shift))

    def density(points: np.ndarray) -> np.ndarray:
        return sphere(points) + np.sin(np.sin(points @ first + shift) @ second) @ last

    return density
