"""Objects stood on a ground, and the camera that looks at them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from backend.synthetic.solid_mesh import SolidMesh
from backend.synthetic.textures import Random
from protocol.values import Camera

_TRIES = 60


@dataclass(frozen=True, eq=False)
class Placed:
    """An object in the world: on the ground (y = 0) at ``at`` (x, z), turned by ``yaw`` degrees, ``scale`` times the
    size of its mesh; ``gloss`` 0 to 1."""

    id: int
    category: str
    model: str
    mesh: SolidMesh
    at: tuple[float, float] = (0.0, 0.0)
    yaw: float = 0.0
    scale: float = 1.0
    gloss: float = 0.2

    @property
    def radius(self) -> float:
        """Of the circle on the ground that holds it."""
        return float(np.linalg.norm(self.mesh.vertices[:, [0, 2]], axis=1).max()) * self.scale

    @property
    def height(self) -> float:
        return float(self.mesh.vertices[:, 1].max()) * self.scale

    @property
    def turn(self) -> np.ndarray:
        """Own directions to the world's: float32 3 x 3."""
        cos, sin = math.cos(math.radians(self.yaw)), math.sin(math.radians(self.yaw))
        return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], np.float32)

    @property
    def vertices(self) -> np.ndarray:
        """In the world: float32 V x 3."""
        foot = np.array([self.at[0], 0, self.at[1]], np.float32)
        return self.mesh.vertices @ self.turn.T * np.float32(self.scale) + foot


def place_all(random: Random, things: list[Placed]) -> list[Placed]:
    """The things close together, so that some hide others from most sides, but none inside another."""
    placed: list[Placed] = []
    for thing in things:
        spot = (0.0, 0.0)
        for _ in range(_TRIES if placed else 0):
            by = placed[random.integers(len(placed))]
            angle = random.uniform(0, 2 * math.pi)
            away = (by.radius + thing.radius) * random.uniform(0.78, 1.05)
            spot = (by.at[0] + away * math.cos(angle), by.at[1] + away * math.sin(angle))
            if all(math.dist(spot, other.at) >= 0.77 * (other.radius + thing.radius) for other in placed):
                break
        else:
            if placed:
                continue  # no room for it
        placed.append(replace(thing, at=spot))
    return placed


def look(random: Random, things: list[Placed]) -> Camera:
    """A camera somewhere around the things, mostly at the height of a person's or a table's edge, that sees about all
    of them."""
    points = np.concatenate([thing.vertices[::7] for thing in things])
    azimuth, elevation, roll = random.uniform(0, 360), random.uniform(3, 38), random.normal(0, 2)
    field = math.radians(random.uniform(28, 55))
    aim = (points.min(axis=0) + points.max(axis=0)) / 2
    away = 2.5 * float(np.linalg.norm(points - aim, axis=1).max()) / math.tan(field / 2)
    filled = random.uniform(0.78, 1.2)
    for _ in range(3):
        camera = camera_at(aim, azimuth, elevation, away, field, roll)
        local = (points - camera.cam2world[:3, 3]) @ camera.cam2world[:3, :3]
        flat = local[:, :2] / -local[:, 2:]
        low, high = flat.min(axis=0), flat.max(axis=0)
        # Towards the middle of what is seen, and as near as fills the picture.
        middle = (low + high) / 2
        aim = aim + camera.cam2world[:3, :2] @ (middle * away).astype(np.float32)
        closer = float((high - low).max()) / (2 * math.tan(field / 2)) / filled
        away *= closer
    axes = camera_at(aim, azimuth, elevation, away, field, roll).cam2world[:3]
    shift = random.normal(0, 0.04, 2) * away * math.tan(field / 2)
    aim = aim + axes[:, :2] @ shift.astype(np.float32)
    nearest = float(((points - aim) @ axes[:, 2]).max())
    return camera_at(aim, azimuth, elevation, max(away, 1.45 * nearest), field, roll)


def camera_at(
    aim: np.ndarray, azimuth: float, elevation: float, away: float, field: float, roll: float = 0.0
) -> Camera:
    """A camera ``away`` from ``aim``, from ``azimuth`` degrees (0: it looks along -Z) and ``elevation`` degrees above,
    with a field of view of ``field`` radians, rolled by ``roll`` degrees."""
    across, up = math.radians(azimuth), math.radians(elevation)
    back = np.array([math.sin(across) * math.cos(up), math.sin(up), math.cos(across) * math.cos(up)])
    right = np.array([math.cos(across), 0.0, -math.sin(across)])
    over = np.cross(back, right)
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    pose = np.eye(4, dtype=np.float32)
    pose[:3, 0], pose[:3, 1] = right * cos + over * sin, over * cos - right * sin
    pose[:3, 2], pose[:3, 3] = back, aim + back * away
    focal = 0.5 / math.tan(field / 2)
    intrinsics = np.array([[focal, 0, 0.5], [0, focal, 0.5], [0, 0, 1]], np.float32)
    return Camera(pose, intrinsics)
