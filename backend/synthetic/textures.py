"""Procedural colours for points in space or on a plane, by numpy: the same seed paints the same thing."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np

Paint = Callable[[np.ndarray], np.ndarray]  # points float32 N x 3 -> sRGB colours float32 N x 3, 0 to 1
Random = np.random.Generator

_TABLE = 256


def noise(points: np.ndarray, seed: int, octaves: int = 4) -> np.ndarray:
    """Fractal value noise of ``points`` (N x D, 1 unit the largest lump): float32 N, 0 to 1, mostly about 0.5."""
    generator = np.random.default_rng(seed)
    total, weight = np.zeros(len(points), np.float32), 0.0
    for octave in range(octaves):
        table = generator.random(_TABLE, np.float32)
        orders = [generator.permutation(_TABLE) for _ in range(points.shape[1])]
        total += _lattice(points * 2.0**octave, table, orders) * 0.5**octave
        weight += 0.5**octave
    return total / np.float32(weight)


def _lattice(points: np.ndarray, table: np.ndarray, orders: list[np.ndarray]) -> np.ndarray:
    """Smoothly interpolated random values at whole numbers."""
    floor = np.floor(points)
    part = (points - floor).astype(np.float32)
    part = part * part * (3 - 2 * part)
    cell = floor.astype(np.int64)
    dimensions = points.shape[1]
    value = np.zeros(len(points), np.float32)
    for corner in range(1 << dimensions):
        hashed = np.zeros(len(points), np.int64)
        share = np.ones(len(points), np.float32)
        for k in range(dimensions):
            up = corner >> k & 1
            hashed = orders[k][(hashed + cell[:, k] + up) % _TABLE]
            share *= part[:, k] if up else 1 - part[:, k]
        value += share * table[hashed]
    return value


def colour(
    random: Random, saturation: tuple[float, float] = (0.05, 0.85), value: tuple[float, float] = (0.2, 0.95)
) -> np.ndarray:
    """A random sRGB colour: float32 3."""
    rgb = colorsys.hsv_to_rgb(random.random(), random.uniform(*saturation), random.uniform(*value))
    return np.array(rgb, np.float32)


def near(random: Random, base: np.ndarray, spread: float = 0.12) -> np.ndarray:
    """A colour not far from ``base``."""
    return np.clip(base + random.normal(0, spread, 3), 0.02, 0.98).astype(np.float32)


def _mixed(share: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)[:, None].astype(np.float32)
    return first * (1 - share) + second * share


def plain(random: Random, base: np.ndarray) -> Paint:
    """One colour with slight unevenness."""
    seed, strength, size = int(random.integers(1 << 31)), random.uniform(0.0, 0.12), random.uniform(3, 12)
    return lambda points: np.clip(base + strength * (noise(points * size, seed, 2) - 0.5)[:, None], 0, 1)


def mottled(random: Random, base: np.ndarray) -> Paint:
    """Two colours in clouds, as stone, rust or camouflage."""
    other, seed = near(random, base, 0.25), int(random.integers(1 << 31))
    size, hard = random.uniform(2, 9), random.uniform(1.5, 9)
    return lambda points: _mixed(0.5 + hard * (noise(points * size, seed) - 0.5), base, other)


def striped(random: Random, base: np.ndarray) -> Paint:
    """Bands along a random direction, mostly an axis."""
    other, count, hard = near(random, base, 0.35), random.uniform(3, 16), random.uniform(2, 12)
    way = np.eye(3)[random.integers(3)] if random.random() < 0.7 else random.normal(size=3)
    way = (way / np.linalg.norm(way)).astype(np.float32)
    return lambda points: _mixed(0.5 + hard * np.sin(points @ way * count * np.pi) / 2, base, other)


def checked(random: Random, base: np.ndarray) -> Paint:
    """Squares in two colours."""
    other, count = near(random, base, 0.35), random.uniform(2, 9)
    return lambda points: _mixed((np.floor(points * count + 0.37).sum(axis=1) % 2 == 0).astype(np.float32), base, other)


def spotted(random: Random, base: np.ndarray) -> Paint:
    """Round spots in a lattice that noise has shaken."""
    other, count, seed = near(random, base, 0.4), random.uniform(3, 8), int(random.integers(1 << 31))
    size = random.uniform(0.2, 0.4)

    def paint(points: np.ndarray) -> np.ndarray:
        moved = points * count + 0.6 * np.stack([noise(points * count / 2, seed + k, 1) for k in range(3)], axis=-1)
        off = np.linalg.norm(moved - np.round(moved), axis=1)
        return _mixed((size - off) * 12 + 0.5, base, other)

    return paint


def wooden(random: Random, base: np.ndarray | None = None) -> Paint:
    """Rings around an axis, bent by noise, in browns unless a colour is given."""
    brown = np.array([0.55, 0.36, 0.2], np.float32) * random.uniform(0.5, 1.5)
    light = near(random, np.clip(brown, 0, 0.9) if base is None else base, 0.05)
    dark, seed = light * random.uniform(0.5, 0.8), int(random.integers(1 << 31))
    axis, rings = int(random.integers(3)), random.uniform(8, 30)

    def paint(points: np.ndarray) -> np.ndarray:
        flat = np.delete(points, axis, axis=1) + 0.12 * noise(points * 3, seed)[:, None]
        ring = np.sin(np.hypot(flat[:, 0] + 0.3, flat[:, 1]) * rings * 2)
        return _mixed(0.5 + 0.5 * ring * noise(points * 8, seed + 1, 2) * 1.6, light, dark)

    return paint


_KINDS = (plain, plain, plain, mottled, striped, checked, spotted, wooden)


def any_paint(random: Random, base: np.ndarray | None = None) -> Paint:
    """One of the above; plain most often, as things are."""
    base = colour(random) if base is None else base
    return _KINDS[random.integers(len(_KINDS))](random, base)
