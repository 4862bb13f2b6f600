"""Kubric's cameras turned into this project's: +Y up, a camera looking along its own -Z."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from protocol.values import Camera

Y_UP_FROM_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
# y and z, between a camera's own axes of computer graphics and of computer vision. Where it is used, adding 0.0 turns
# -0 to 0.
_FLIPPED = np.array([1.0, -1, -1])


def from_kubric(position: np.ndarray, quaternion: np.ndarray, matrix: np.ndarray) -> Camera:
    """Kubric's camera: ``position`` 3 and ``quaternion`` w, x, y, z in a world with z up, looking along its own -z;
    ``matrix`` 3 x 3 is its K, whose last two columns are those of a camera that looks backwards."""
    pose = np.eye(4)
    pose[:3, :3] = Y_UP_FROM_Z_UP @ Rotation.from_quat(quaternion, scalar_first=True).as_matrix()
    pose[:3, 3] = Y_UP_FROM_Z_UP @ position
    return Camera(pose.astype(np.float32), (matrix * _FLIPPED + 0.0).astype(np.float32))


def to_kubric(camera: Camera) -> tuple[list[float], list[float], list[list[float]]]:
    """The inverse of `from_kubric`: position, quaternion and K as JSON takes them."""
    pose = camera.cam2world.astype(np.float64)
    turn = Rotation.from_matrix(Y_UP_FROM_Z_UP.T @ pose[:3, :3])
    matrix = camera.intrinsics.astype(np.float64) * _FLIPPED + 0.0
    place = Y_UP_FROM_Z_UP.T @ pose[:3, 3] + 0.0
    return place.tolist(), turn.as_quat(canonical=True, scalar_first=True).tolist(), matrix.tolist()
