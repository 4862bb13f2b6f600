"""Rays through the pixels of cameras in OpenCV's axes (x right, y down, looking along +z), in PyTorch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Rays(NamedTuple):
    """``origins`` and ``directions`` (unit) float32 N x R x 3, row by row over the picture."""

    origins: Tensor
    directions: Tensor


def rays_of(cam2world: Tensor, intrinsics: Tensor, side: int) -> Rays:
    """The rays through the middles of ``side`` x ``side`` pixels. ``cam2world`` N x 4 x 4; ``intrinsics`` N x 3 x 3,
    normalised by image size, may be skewed."""
    at = (torch.arange(side, device=cam2world.device, dtype=cam2world.dtype) + 0.5) / side
    v, u = (grid.reshape(1, -1) for grid in torch.meshgrid(at, at, indexing="ij"))
    fx, skew, cx = (intrinsics[:, 0, k, None] for k in range(3))
    fy, cy = intrinsics[:, 1, 1, None], intrinsics[:, 1, 2, None]
    x = (u - cx + cy * skew / fy - skew * v / fy) / fx
    y = ((v - cy) / fy).expand_as(x)
    seen = torch.stack([x, y, torch.ones_like(x)], dim=-1)
    turned = seen @ cam2world[:, :3, :3].transpose(1, 2)
    origins = cam2world[:, None, :3, 3].expand_as(turned)
    return Rays(origins, functional.normalize(turned, dim=-1, eps=1e-12))


def camera_label(cam2world: Tensor, intrinsics: Tensor) -> Tensor:
    """N x 25: the camera as the field's networks take it, both matrices row by row."""
    return torch.cat([cam2world.flatten(1), intrinsics.flatten(1)], dim=1)


def camera_matrices(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of `camera_label`: cam2world N x 4 x 4 and intrinsics N x 3 x 3 of N x 25."""
    return numbers[:, :16].view(-1, 4, 4), numbers[:, 16:].view(-1, 3, 3)


def box_limits(rays: Rays, side: float) -> tuple[Tensor, Tensor]:
    """Where each ray enters and leaves the cube of ``side`` around 0: N x R x 1 each; -1 and -2 where it misses."""
    inverse = 1 / rays.directions
    first, second = (-side / 2 - rays.origins) * inverse, (side / 2 - rays.origins) * inverse
    near = torch.minimum(first, second).amax(dim=-1, keepdim=True)
    far = torch.maximum(first, second).amin(dim=-1, keepdim=True)
    missed = far < near
    return torch.where(missed, -1, near), torch.where(missed, -2, far)
