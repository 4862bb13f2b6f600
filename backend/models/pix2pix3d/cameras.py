"""The published cameras, as the 25 numbers that the networks take, and the way from and to this project's cameras.

The numbers are cam2world (OpenCV's axes, the field's own lengths) and normalised intrinsics, row by row. 3.14, 3.14159
and 1.414 are the authors' literals: their front camera is turned by 0.0008 rad.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from backend.fields.cameras import from_opencv, to_opencv
from backend.fields.poses import on_sphere
from backend.fields.rays import camera_label
from backend.models.pix2pix3d.config import Config
from protocol.values import Camera

_PI = 3.14
# By how much the films' camera turns and rises: about a model that has only been seen from the front, and about one
# of whole objects, which stand on white.
_FRONT, _AROUND = (0.35, 0.25), (math.pi, math.pi / 2)
_ABOVE = 0.05  # how much higher than the front camera the films' middle is


def lens(focal: float) -> Tensor:
    """float32 3 x 3: intrinsics of a ``focal`` length in picture sides, looking through the middle."""
    return torch.tensor([[focal, 0, 0.5], [0, focal, 0.5], [0, 0, 1]], dtype=torch.float32)


def lens_of_view(degrees: float) -> Tensor:
    """`lens` for what the authors call a field of view of ``degrees``."""
    return lens(1 / (math.tan(degrees * 3.14159 / 360) * 1.414))


def placed(config: Config, horizontal: float, vertical: float) -> Tensor:
    """float32 25: a camera of ``config`` at angles as `on_sphere` takes them."""
    turn, rise = torch.tensor([[horizontal], [vertical]], dtype=torch.float32)
    pose = on_sphere(turn, rise, torch.tensor(config.pivot), config.radius)
    return camera_label(pose, lens(config.focal)[None])[0]


def front(config: Config) -> Tensor:
    """float32 25: the camera that label maps without one are taken to be seen by."""
    return placed(config, _PI / 2, _PI / 2)


def swing(config: Config, frame: int, frames: int = 120) -> Tensor:
    """float32 25: the published films' camera, which goes once round an oval in front of the object, or around a whole
    object, in ``frames`` frames."""
    turn = 2 * _PI * frame / frames
    yaw, pitch = _AROUND if config.white_back else _FRONT
    return placed(config, _PI / 2 + yaw * math.sin(turn), _PI / 2 - _ABOVE + pitch * math.cos(turn))


def numbers_of(cameras: list[Camera], box: float) -> Tensor:
    """float32 N x 25 of this project's cameras, in whose world the field's cube of side ``box`` has side 1."""
    rows = []
    for camera in cameras:
        pose, intrinsics = to_opencv(camera)
        pose[:3, 3] *= box
        rows.append(np.concatenate([pose.ravel(), intrinsics.ravel()]))
    return torch.from_numpy(np.stack(rows))


def camera_of(numbers: Tensor, box: float) -> Camera:
    """The inverse of `numbers_of`, of one camera (25)."""
    values = numbers.detach().cpu().float().numpy()
    pose = values[:16].reshape(4, 4).copy()
    pose[:3, 3] /= box
    return from_opencv(pose, values[16:].reshape(3, 3))
