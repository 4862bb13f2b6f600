"""A camera that turns around an object: angles, distance and the matrices the 3D view draws with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from protocol import Camera

FOV = math.radians(32.0)
START_AZIMUTH = math.radians(24.0)
START_ELEVATION = math.radians(14.0)
MAX_ELEVATION = math.radians(89.0)
NEAREST = 0.3


@dataclass(frozen=True)
class Orbit:
    """Angles in radians: azimuth 0 looks at the object's front (+Z), elevation above the horizon. ``distance`` and
    ``target`` in field units (objects lie in a cube of side 1). ``fov`` is the vertical field of view."""

    azimuth: float = START_AZIMUTH
    elevation: float = START_ELEVATION
    distance: float = 2.6
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    fov: float = FOV

    def turned(self, azimuth: float, elevation: float) -> Orbit:
        limited = min(max(self.elevation + elevation, -MAX_ELEVATION), MAX_ELEVATION)
        return replace(self, azimuth=self.azimuth + azimuth, elevation=limited)

    def zoomed(self, factor: float) -> Orbit:
        return replace(self, distance=min(max(self.distance * factor, NEAREST), 20.0))

    def panned(self, dx: float, dy: float, height: int) -> Orbit:
        """Move the target so that the object follows the pointer by (dx, dy) pixels of a view ``height`` high."""
        size = 2 * self.distance * math.tan(self.fov / 2) / max(height, 1)
        right, up, _ = self._axes()
        target = np.asarray(self.target) - right * dx * size + up * dy * size
        return replace(self, target=(float(target[0]), float(target[1]), float(target[2])))

    @classmethod
    def framing(cls, vertices: np.ndarray, aspect: float = 1.0) -> Orbit:
        """The start position from which all ``vertices`` (V x 3) are well in view."""
        low, high = vertices.min(0), vertices.max(0)
        centre = (low + high) / 2
        radius = float(np.linalg.norm(high - low)) / 2 or 0.5
        distance = radius / math.sin(FOV / 2) * 1.05 / min(aspect, 1.0)
        return cls(distance=distance, target=(float(centre[0]), float(centre[1]), float(centre[2])))

    @classmethod
    def of_camera(cls, camera: Camera) -> Orbit:
        """The orbit that looks as ``camera`` does, turning about the point of its axis that is nearest to the middle.
        A camera held aslant comes back upright."""
        pose = camera.cam2world.astype(float)
        back, eye = pose[:3, 2] / np.linalg.norm(pose[:3, 2]), pose[:3, 3]
        distance = float(back @ eye)
        target = eye - back * distance if distance > NEAREST else np.zeros(3)
        distance = max(distance, NEAREST)
        return cls(
            azimuth=math.atan2(back[0], back[2]),
            elevation=math.asin(float(np.clip(back[1], -1, 1))),
            distance=distance,
            target=(float(target[0]), float(target[1]), float(target[2])),
            fov=2 * math.atan(0.5 / float(camera.intrinsics[1, 1])),
        )

    def near(self, other: Orbit) -> bool:
        """Whether both look alike, but for rounding."""
        mine, theirs = ([*orbit.eye, *orbit.target, orbit.fov] for orbit in (self, other))
        return bool(np.allclose(mine, theirs, atol=1e-3))

    def camera(self) -> Camera:
        """As the protocol's camera of a square picture."""
        pose = np.eye(4, dtype=np.float32)
        pose[:3, :3] = np.stack(self._axes(), 1)
        pose[:3, 3] = self.eye
        focal = 0.5 / math.tan(self.fov / 2)
        return Camera(pose, np.array([[focal, 0, 0.5], [0, focal, 0.5], [0, 0, 1]], np.float32))

    def _axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Right, up and backward (from target to eye) of the camera in world space."""
        ca, sa = math.cos(self.azimuth), math.sin(self.azimuth)
        ce, se = math.cos(self.elevation), math.sin(self.elevation)
        right = np.array([ca, 0.0, -sa])
        back = np.array([sa * ce, se, ca * ce])
        return right, np.cross(back, right), back

    @property
    def eye(self) -> np.ndarray:
        """float64, 3."""
        return np.asarray(self.target) + self._axes()[2] * self.distance

    def view_matrix(self) -> np.ndarray:
        """World to camera, float32 4 x 4, column vectors."""
        rotation = np.stack(self._axes())
        matrix = np.eye(4, dtype=np.float32)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = -rotation @ self.eye
        return matrix

    def projection_matrix(self, aspect: float) -> np.ndarray:
        """Camera to clip space, float32 4 x 4, column vectors, as OpenGL wants it."""
        near, far = max(self.distance - 2.5, self.distance * 0.02), self.distance + 4.0
        f = 1.0 / math.tan(self.fov / 2)
        matrix = np.zeros((4, 4), np.float32)
        matrix[0, 0], matrix[1, 1] = f / aspect, f
        matrix[2, 2], matrix[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
        matrix[3, 2] = -1.0
        return matrix
