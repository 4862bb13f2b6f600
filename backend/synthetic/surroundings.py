"""What stands around the objects: a ground with a texture, and a backdrop behind it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.synthetic.textures import (
    Paint,
    Random,
    any_paint,
    checked,
    colour,
    mottled,
    near,
    noise,
    plain,
    striped,
    wooden,
)
from protocol.values import Camera


@dataclass(frozen=True, eq=False)
class Surroundings:
    """``ground`` paints points of the plane y = 0; ``backdrop`` paints directions (unit, world), and what lies farther
    than ``far``. Where ``backdrop`` is a picture instead (float32 h x w x 3), it is behind everything and there is no
    ground."""

    ground: Paint
    backdrop: Paint | np.ndarray
    far: float


def random_surroundings(random: Random, reach: float) -> Surroundings:
    """Rooms, yards and fields around objects of that ``reach``, and sometimes the clutter of a picture."""
    kind = random.random()
    if kind < 0.3:
        return Surroundings(_ground(random), dead_leaves(random, 160), 0.0)
    if kind < 0.65:
        return Surroundings(_ground(random), _wall(random), reach * random.uniform(2.5, 5))
    return Surroundings(_ground(random), _sky(random), reach * random.uniform(8, 20))


def _scaled(paint: Paint, scale: float) -> Paint:
    return lambda points: paint(points * np.float32(scale))


def _ground(random: Random) -> Paint:
    base = colour(random, (0.03, 0.38), (0.25, 0.85))
    kind = (plain, mottled, mottled, checked, striped, wooden, grass)[random.integers(7)]
    return _scaled(muted(kind(random, base)), random.uniform(0.4, 2.0))


def grass(random: Random, base: np.ndarray) -> Paint:
    """Fine and coarse unevenness, greenish or sandy."""
    tint = near(random, np.array([0.35, 0.45, 0.2], np.float32) if random.random() < 0.5 else base, 0.1)
    seed = int(random.integers(1 << 31))

    def paint(points: np.ndarray) -> np.ndarray:
        coarse, fine = noise(points * 1.5, seed), noise(points * 25, seed + 1, 2)
        return np.clip(tint * (0.5 + 0.5 * coarse + 0.6 * fine)[:, None], 0, 1)

    return paint


def _wall(random: Random) -> Paint:
    paint = _scaled(muted(any_paint(random, colour(random, (0, 0.4), (0.35, 0.95)))), random.uniform(0.6, 2.5))
    skirting, board = random.uniform(-0.1, 0.06), colour(random, (0, 0.3), (0.2, 0.95))

    def paint_direction(directions: np.ndarray) -> np.ndarray:
        # A round room: height and angle are what the wall's texture sees.
        angle = np.arctan2(directions[:, 0], directions[:, 2])
        flat = np.stack([angle * 2, directions[:, 1] * 2, np.zeros_like(angle)], axis=-1).astype(np.float32)
        return np.where((directions[:, 1] < skirting)[:, None], board, paint(flat))

    return paint_direction


def _sky(random: Random) -> Paint:
    top, low = colour(random, (0.1, 0.6), (0.5, 1)), colour(random, (0, 0.3), (0.7, 1))
    hill, seed = colour(random, (0.1, 0.5), (0.2, 0.6)), int(random.integers(1 << 31))
    rough, tall = random.uniform(1, 6), random.uniform(0, 0.3)

    def paint(directions: np.ndarray) -> np.ndarray:
        up = np.clip(directions[:, 1:2] * 2, 0, 1)
        cloud = np.clip(noise(directions * 3, seed) * 2.4 - 1, 0, 1)[:, None]
        sky = (low * (1 - up) + top * up) * (1 - cloud) + cloud * 0.95
        angle = np.arctan2(directions[:, 0], directions[:, 2])[:, None] * rough
        ridge = tall * noise(np.concatenate([angle, angle * 0.31], axis=1), seed + 1)
        texture = 0.7 + 0.6 * noise(directions * 20, seed + 2, 3)[:, None]
        return np.where(directions[:, 1:2] < ridge[:, None], np.clip(hill * texture, 0, 1), sky).astype(np.float32)

    return paint


def dead_leaves(random: Random, side: int) -> np.ndarray:
    """A picture of overlapping textured shapes of all sizes, whose statistics are those of photos: float32, square.
    Lee, Mumford and Huang 2001, "Occlusion Models for Natural Images": radii follow a power law of exponent 3."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    base = colour(random, (0.03, 0.35), (0.25, 0.8))
    picture = np.broadcast_to(base, (side, side, 3)).copy()
    smallest, largest = 0.025 * side, 0.5 * side
    for radius in np.sort(_power_law(random, 130, smallest, largest))[::-1]:
        cx, cy = random.uniform(0, side, 2)
        angle, long = random.uniform(0, np.pi), random.uniform(1, 2.5)
        left, right = int(max(0, cx - radius * long)), int(min(side, cx + radius * long + 1))
        top, low = int(max(0, cy - radius * long)), int(min(side, cy + radius * long + 1))
        if left >= right or top >= low:
            continue
        u = ((x - cx) * np.cos(angle) + (y - cy) * np.sin(angle))[top:low, left:right] / (radius * long)
        v = ((y - cy) * np.cos(angle) - (x - cx) * np.sin(angle))[top:low, left:right] / radius
        exponent = random.choice([2.0, 2.0, 6.0])
        inside = np.abs(u) ** exponent + np.abs(v) ** exponent < 1
        points = np.stack([u, v, np.zeros_like(u)], axis=-1)[inside].astype(np.float32)
        shade = 1 + random.uniform(-0.35, 0.35) * points[:, :1] + random.uniform(-0.35, 0.35) * points[:, 1:2]
        picture[top:low, left:right][inside] = muted(any_paint(random, near(random, base, 0.2)))(points) * shade
    # Out of focus, as backgrounds mostly are.
    return np.clip(cv2.GaussianBlur(picture, (0, 0), random.uniform(0.6, 3.5)), 0, 1)


def muted(paint: Paint) -> Paint:
    """The paint's colours nearer to grey: what things stand on and before is seldom as bright as things."""

    def paint_muted(points: np.ndarray) -> np.ndarray:
        colours = paint(points)
        return 0.5 * colours + 0.5 * colours.mean(axis=1, keepdims=True)

    return paint_muted


def _power_law(random: Random, count: int, smallest: float, largest: float) -> np.ndarray:
    """Radii whose density falls with the third power."""
    low, high = smallest**-2, largest**-2
    return (low + random.random(count) * (high - low)) ** -0.5


def directions_of(camera: Camera, size: tuple[int, int]) -> np.ndarray:
    """Unit directions in the world through the pixels' centres: float32 H x W x 3."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    flat = np.stack([(x + 0.5) / width, (y + 0.5) / height, np.ones_like(x)], axis=-1)
    seen = flat @ np.linalg.inv(camera.intrinsics).T.astype(np.float32)
    seen *= np.array([1, -1, -1], np.float32)  # from x right, y down, z forward to the camera's own axes
    world = seen @ camera.cam2world[:3, :3].T
    return world / np.linalg.norm(world, axis=-1, keepdims=True)
