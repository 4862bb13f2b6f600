"""A field whose features lie on three planes through the origin (Chan and others 2022)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

Axes = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
# As the published code samples them: none for (y, z), and (x, z) twice.
PUBLISHED: Axes = ((0, 1), (0, 2), (2, 0))
THREE: Axes = ((0, 1), (0, 2), (2, 1))


def sample_planes(planes: Tensor, points: Tensor, box: float, axes: Axes = THREE) -> Tensor:
    """N x 3 x M x C: what each plane says at ``points`` (N x M x 3) in the cube of side ``box``; 0 outside.

    ``planes`` N x 3 x C x H x W; ``axes`` are the coordinates along the width and the height of each plane.
    """
    count, _, channels, height, width = planes.shape
    flat = torch.stack([points[..., list(pair)] for pair in axes], dim=1) * (2 / box)
    found = functional.grid_sample(
        planes.reshape(3 * count, channels, height, width),
        flat.reshape(3 * count, 1, -1, 2),
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    )
    return found.view(count, 3, channels, -1).transpose(2, 3)
