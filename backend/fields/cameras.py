"""Cameras around an object: where they stand, how they project.

A camera looks along its own -Z with +Y up (glTF). Intrinsics are normalised by image size: they take (x right,
y down, z forward) to picture coordinates in 0..1.
"""

from __future__ import annotations

import numpy as np

from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera

CUBE_RADIUS = 0.5 * 3**0.5  # of the sphere around the unit cube
Point = np.ndarray | tuple[float, float, float]
Angles = tuple[float, float]  # azimuth and elevation in degrees, as `orbit` takes them

_BORDER = 1.06  # how much larger than the sphere around the object a view is
_FILL = 0.46  # of the picture's side, from its middle to the farthest point of the object
_CLEARANCE = 1.2  # a fitted camera keeps at least this many times the object's radius away
_FITTING_ROUNDS = 4


def intrinsics(fov: float, aspect: float = 1.0) -> np.ndarray:
    """float32 3 x 3 for a vertical field of view in degrees and a picture of ``aspect`` = width / height."""
    focal = 0.5 / np.tan(np.radians(fov) / 2)
    return np.array([[focal / aspect, 0, 0.5], [0, focal, 0.5], [0, 0, 1]], np.float32)


def look_at(eye: Point, target: Point = (0.0, 0.0, 0.0), up: Point = (0.0, 1.0, 0.0)) -> np.ndarray:
    """cam2world float32 4 x 4 of a camera at ``eye`` looking at ``target``; straight up or down it picks a side."""
    back = np.asarray(eye, np.float64) - np.asarray(target)
    back /= max(float(np.linalg.norm(back)), 1e-12)
    right = np.cross(np.asarray(up), back)
    if np.linalg.norm(right) < 1e-6:
        right = np.cross(np.array([0.0, 0.0, -float(np.sign(back @ np.asarray(up)))]), back)
    right /= np.linalg.norm(right)
    pose = np.eye(4, dtype=np.float32)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = right, np.cross(back, right), back, np.asarray(eye)
    return pose


def from_opencv(pose: np.ndarray, intrinsics: np.ndarray) -> Camera:
    """A camera of x right, y down, z forward: ``pose`` 4 x 4 cam2world in a world with y up, ``intrinsics`` 3 x 3
    normalised."""
    turned = pose.astype(np.float32)
    turned[:3, 1:3] *= -1
    return Camera(turned, intrinsics.astype(np.float32))


def from_numbers(numbers: np.ndarray) -> Camera:
    """`from_opencv` of EG3D's 25 numbers: the pose, then the intrinsics, row by row."""
    return from_opencv(numbers[:16].reshape(4, 4), numbers[16:].reshape(3, 3))


def to_opencv(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of `from_opencv`: pose float32 4 x 4 and intrinsics float32 3 x 3."""
    turned = camera.cam2world.copy()
    turned[:3, 1:3] *= -1
    return turned, camera.intrinsics


def orbit(azimuth: float, elevation: float, fov: float, radius: float = CUBE_RADIUS) -> Camera:
    """A camera looking at the origin. Azimuth 0 is in front (+Z), 90 at the object's left (+X); all in degrees.

    It stands where a sphere of ``radius`` around the origin just fits the picture.
    """
    distance = _BORDER * radius / float(np.sin(np.radians(fov) / 2))
    turn, rise = np.radians(azimuth), np.radians(elevation)
    direction = np.array([np.sin(turn) * np.cos(rise), np.sin(rise), np.cos(turn) * np.cos(rise)])
    return Camera(look_at(distance * direction), intrinsics(fov))


def ring_angles(views: int, elevation: float) -> list[Angles]:
    """``views`` azimuths at even distances, the first in front, all at ``elevation``; in degrees."""
    return [(360.0 * k / views, elevation) for k in range(views)]


def ring(views: int, elevation: float, fov: float, radius: float = CUBE_RADIUS) -> list[Camera]:
    """``views`` cameras at even angles around the object, the first in front of it."""
    return _orbits(ring_angles(views, elevation), fov, radius)


def fitted(points: np.ndarray, angles: list[Angles], fov: float) -> list[Camera]:
    """Cameras at ``angles`` from which ``points`` (k x 3) fill the picture, all at the one distance at which every view
    fits."""
    farthest = max(float(np.linalg.norm(points, axis=1).max()), 1e-3)
    nearest = farthest * float(np.sin(np.radians(fov) / 2)) * _CLEARANCE
    radius = farthest
    for _ in range(_FITTING_ROUNDS):
        cameras = _orbits(angles, fov, radius)
        extent = max(float(np.abs(project(camera, points)[:, :2] - 0.5).max()) for camera in cameras)
        radius = max(radius * extent / _FILL, nearest)
    return _orbits(angles, fov, radius)


def alike(camera: Camera, angles: list[Angles], fov: float) -> list[Camera]:
    """Cameras at ``angles`` from which an object at the origin is as large in the picture as from ``camera``."""
    half, own = np.tan(np.radians(fov) / 2), 0.5 / float(camera.intrinsics[1, 1])
    distance = float(np.linalg.norm(camera.cam2world[:3, 3])) * own / half
    return _orbits(angles, fov, distance * float(np.sin(np.radians(fov) / 2)) / _BORDER)


def _orbits(angles: list[Angles], fov: float, radius: float) -> list[Camera]:
    return [orbit(azimuth, elevation, fov, radius) for azimuth, elevation in angles]


def view_matrix(camera: Camera) -> np.ndarray:
    """world2cam float64 4 x 4; ProblemError (BAD_INPUT) if the camera's matrices cannot be those of a camera."""
    pose, lens = camera.cam2world.astype(np.float64), camera.intrinsics
    turn = pose[:3, :3]
    rigid = np.allclose(turn.T @ turn, np.eye(3), atol=1e-3) and np.linalg.det(turn) > 0
    if not rigid or not np.allclose(pose[3], [0, 0, 0, 1]) or lens[0, 0] <= 0 or lens[1, 1] <= 0:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            "A camera's matrices are not those of a camera.",
            "cam2world must be a rotation and a position, the intrinsics' focal lengths above 0.",
        )
    return np.linalg.inv(pose)


def project(camera: Camera, points: np.ndarray) -> np.ndarray:
    """float64 k x 3: picture coordinates (u right, v down, 0..1 inside the picture) and depth of world points k x 3."""
    world2cam = view_matrix(camera)
    local = points @ world2cam[:3, :3].T + world2cam[:3, 3]
    local = local * (1, -1, -1)  # to x right, y down, z forward
    flat = local @ camera.intrinsics.astype(np.float64).T
    depth = local[:, 2:]
    return np.concatenate([flat[:, :2] / np.where(np.abs(depth) < 1e-9, 1e-9, depth), depth], axis=1)
