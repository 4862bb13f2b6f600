"""Volume rendering that asks a field only where something is: for looking at it, not for learning.

A coarse grid of densities says which cells are empty; along the rays these are skipped. The rest is the midpoint rule
of `backend.fields.volume`, with evenly spaced samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from backend.fields.rays import Rays, box_limits

Query = Callable[[Tensor], tuple[Tensor, Tensor]]
EMPTY = -30.0  # a raw density at which nothing is
_FAINT = -5.0  # raw densities under this count as nothing
_SEEN = 1e-3  # weights under this are left out
_MOST = 1 << 18  # points that are asked for at once


@dataclass(frozen=True)
class Occupancy:
    """``filled`` bool cells x cells x cells in the cube of side ``box`` around 0, [x, y, z]: where something may be."""

    filled: Tensor
    box: float

    def at(self, points: Tensor) -> Tensor:
        """bool …: whether something may be at ``points`` (… x 3); nothing is outside."""
        cells = len(self.filled)
        place = ((points / self.box + 0.5) * cells).floor().long()
        inside = ((place >= 0) & (place < cells)).all(dim=-1)
        x, y, z = place.clamp(0, cells - 1).unbind(dim=-1)
        return self.filled[x, y, z] & inside


def occupancy_of(
    density: Callable[[Tensor], Tensor], box: float, cells: int = 32, device: torch.device | str = "cpu"
) -> Occupancy:
    """From raw densities (N of points N x 3 on ``device``) in the middle of each cell; cells beside one that is filled
    count too."""
    axis = ((torch.arange(cells, device=device) + 0.5) / cells - 0.5) * box
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).view(-1, 3)
    values = torch.cat([density(part) for part in grid.split(_MOST)]).view(1, 1, cells, cells, cells)
    widened = functional.max_pool3d(values, 3, stride=1, padding=1)[0, 0]
    return Occupancy(widened > _FAINT, box)


class Rendered(NamedTuple):
    """``features`` R x C, ``depth`` along the rays (0 where nothing is) and ``opacity`` R."""

    features: Tensor
    depth: Tensor
    opacity: Tensor


@torch.no_grad()
def render_sparse(query: Query, occupancy: Occupancy, rays: Rays, samples: int) -> Rendered:
    """What ``rays`` (1 x R x 3) see. ``query`` gives features M x C and raw densities M of points M x 3; ``samples``
    are spread over each ray's way through the box."""
    near, far = (limit[0] for limit in box_limits(rays, occupancy.box))
    missed = far <= near
    near, far = torch.where(missed, 0.0, near.clamp(min=0)), torch.where(missed, 1.0, far)
    step = (far - near) / samples
    depths = near + step * (torch.arange(samples, device=near.device) + 0.5)  # R x S
    points = rays.origins[0, :, None] + depths[..., None] * rays.directions[0, :, None]
    at = occupancy.at(points) & ~missed
    asked = at.nonzero()
    parts = [query(part) for part in points[at].split(_MOST)]
    sigma = torch.full_like(depths, EMPTY)
    if parts:
        sigma[at] = torch.cat([each for _, each in parts])
    density = functional.softplus((sigma[:, :-1] + sigma[:, 1:]) / 2 - 1)
    through = torch.exp(-functional.pad((density * step).cumsum(dim=1), (1, 0)))
    weights = through[:, :-1] - through[:, 1:]
    opacity = weights.sum(dim=1)
    middle = (depths[:, :-1] + depths[:, 1:]) / 2
    depth = (weights * middle).sum(dim=1) / opacity.clamp(min=1e-6)
    # A sample counts in the intervals on both sides of it.
    each = (functional.pad(weights, (1, 0)) + functional.pad(weights, (0, 1)))[at] / 2
    channels = parts[0][0].shape[-1] if parts else query(points[:1, 0])[0].shape[-1]
    features = torch.zeros(len(depths), channels, device=near.device)
    if parts:
        seen = each > _SEEN
        found = torch.cat([feature for feature, _ in parts])[seen] * each[seen, None]
        features.index_add_(0, asked[seen, 0], found)
    # What the intervals to samples that were not asked for would have given.
    share = torch.zeros_like(opacity).index_add_(0, asked[:, 0], each)
    features = features * (opacity / share.clamp(min=1e-6))[:, None].clamp(max=4)
    return Rendered(features, torch.where(opacity > 0.5, depth, 0), opacity)
