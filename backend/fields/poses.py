"""Cameras on a sphere, drawn as EG3D (Chan and others 2022) draws them; OpenCV's axes, +Y up."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def on_sphere(horizontal: Tensor, vertical: Tensor, lookat: Tensor, radius: float) -> Tensor:
    """cam2world float32 N x 4 x 4 of cameras at ``radius`` from the world's origin looking at ``lookat`` (3, or N x 3).

    ``horizontal`` (N) is an angle, pi / 2 in front. ``vertical`` (N) is no angle: between 0 (above) and pi (below) it
    cuts the sphere into bands of equal area, pi / 2 being the equator.
    """
    share = vertical.clamp(1e-5, torch.pi - 1e-5) / torch.pi
    polar = torch.arccos(1 - 2 * share)
    around = torch.pi - horizontal
    place = radius * torch.stack([polar.sin() * around.cos(), polar.cos(), polar.sin() * around.sin()], dim=-1)
    return looking(functional.normalize(lookat - place, dim=-1), place)


def vertical_of(elevation: np.ndarray) -> np.ndarray:
    """The ``vertical`` of `on_sphere`, in which the sphere's height is linear, of an ``elevation`` in radians; both
    float64 of any shape."""
    return np.pi / 2 * (1 - np.sin(elevation))


def drawn_on_sphere(
    horizontal: float,
    vertical: float,
    lookat: Tensor,
    radius: float,
    spread: tuple[float, float] = (0.0, 0.0),
    count: int = 1,
    generator: torch.Generator | None = None,
) -> Tensor:
    """`on_sphere` at normally distributed angles with standard deviations ``spread``; draws numbers even for none."""
    turn = torch.randn(count, 1, generator=generator)[:, 0] * spread[0] + horizontal
    rise = torch.randn(count, 1, generator=generator)[:, 0] * spread[1] + vertical
    return on_sphere(turn, rise, lookat, radius)


def looking(forward: Tensor, place: Tensor) -> Tensor:
    """cam2world N x 4 x 4 of cameras at ``place`` (N x 3) that look along ``forward`` (unit), upright."""
    up = torch.tensor([0.0, 1.0, 0.0]).expand_as(forward)
    right = -functional.normalize(torch.cross(up, forward, dim=-1), dim=-1)
    down = functional.normalize(torch.cross(forward, right, dim=-1), dim=-1)
    pose = torch.eye(4).repeat(len(place), 1, 1)
    pose[:, :3, :3] = torch.stack([right, down, forward], dim=-1)
    pose[:, :3, 3] = place
    return pose
