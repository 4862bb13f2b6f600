"""Triangles to pixels in batched PyTorch, on a CPU or with CUDA, without OpenGL: for each layer (object) of a picture
which triangle is nearest at each pixel's centre, and where on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

_CANDIDATES = 4_000_000  # pixels looked at at once


@dataclass(frozen=True)
class Hits:
    """What is seen at the pixels of each layer: ``face`` int64 L x H x W (-1: nothing), ``depth`` float32 L x H x W
    (infinite: nothing), ``weights`` float32 L x H x W x 3, of the face's corners, correct in perspective."""

    face: torch.Tensor
    depth: torch.Tensor
    weights: torch.Tensor

    def at(self, values: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
        """``values`` at the vertices (V x C) interpolated at every pixel: L x H x W x C, zeros where nothing is."""
        corners = values[faces[self.face.clamp(min=0)]]
        found = (self.weights[..., None] * corners).sum(dim=-2)
        return torch.where((self.face >= 0)[..., None], found, 0)


def rasterise(
    pixels: torch.Tensor, depth: torch.Tensor, faces: torch.Tensor, layers: torch.Tensor, size: tuple[int, int, int]
) -> Hits:
    """``pixels`` float32 V x 2 (x right, y down, pixel i covers i to i + 1), ``depth`` float32 V (positive along the
    camera's axis, or any height for a parallel view given as 1), ``faces`` int64 F x 3, ``layers`` int64 F; ``size`` is
    (layers, height, width). Both sides of a face are seen; faces with a corner at depth 0 or less are not."""
    count, height, width = size
    corner_depth = depth[faces]
    corners = pixels[faces]
    low, high = corners.amin(dim=1), corners.amax(dim=1)
    x0 = (low[:, 0] - 0.5).ceil().clamp(0, width).long()
    y0 = (low[:, 1] - 0.5).ceil().clamp(0, height).long()
    x1 = (high[:, 0] - 0.5).floor().clamp(-1, width - 1).long()
    y1 = (high[:, 1] - 0.5).floor().clamp(-1, height - 1).long()
    across, down = (x1 - x0 + 1).clamp(min=0), (y1 - y0 + 1).clamp(min=0)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    usable = (corner_depth > 0).all(dim=1) & (area.abs() > 1e-12)
    wanted = torch.where(usable, across * down, 0)
    chosen = wanted.nonzero()[:, 0]
    nearness = torch.zeros(count * height * width, device=pixels.device)
    owner = torch.full((count * height * width,), -1, dtype=torch.int64, device=pixels.device)
    weights = torch.zeros(count * height * width, 3, device=pixels.device)
    for part in _chunks(chosen, wanted[chosen]):
        face = part.repeat_interleave(wanted[part])
        start = wanted[part].cumsum(0) - wanted[part]
        offset = torch.arange(len(face), device=face.device) - start.repeat_interleave(wanted[part])
        x, y = x0[face] + offset % across[face], y0[face] + offset // across[face]
        off_x, off_y = x + 0.5 - corners[face, 0, 0], y + 0.5 - corners[face, 0, 1]
        second_share = (off_x * second[face, 1] - off_y * second[face, 0]) / area[face]
        third_share = (off_y * first[face, 0] - off_x * first[face, 1]) / area[face]
        shares = torch.stack([1 - second_share - third_share, second_share, third_share], dim=-1)
        inside = (shares >= -1e-6).all(dim=1)
        face, shares = face[inside], shares[inside]
        # 1 / depth is linear on the screen.
        each = shares / corner_depth[face]
        near = each.sum(dim=1)
        at = (layers[face] * height + y[inside]) * width + x[inside]
        before = nearness[at]
        nearness.scatter_reduce_(0, at, near, "amax")
        best = (near == nearness[at]) & (near > before)
        # Of equally near faces the one with the highest number, whatever the order of work.
        winner = torch.full_like(owner, -1).scatter_reduce_(0, at[best], face[best], "amax")
        best &= winner[at] == face
        owner[at[best]] = face[best]
        weights[at[best]] = each[best] / near[best, None]
    seen = owner >= 0
    found = torch.where(seen, 1 / nearness.clamp(min=1e-20), torch.inf)
    return Hits(owner.view(size), found.view(size), weights.view(*size, 3))


def _chunks(faces: torch.Tensor, wanted: torch.Tensor) -> list[torch.Tensor]:
    if len(faces) == 0:
        return []
    group = (wanted.cumsum(0) - 1) // _CANDIDATES
    return list(faces.split(torch.bincount(group).tolist()))
