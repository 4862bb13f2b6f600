"""Volume rendering: where along rays a field is evaluated, and what a ray sees (Mildenhall and others 2020, with the
weights at midpoints of Barron and others 2021)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Marched(NamedTuple):
    """What rays see: ``features`` N x R x C, ``depth`` along the ray N x R x 1 (not a number where nothing is),
    ``opacity`` N x R x 1, and the ``weights`` of the intervals N x R x (S - 1) x 1."""

    features: Tensor
    depth: Tensor
    opacity: Tensor
    weights: Tensor


def stratified(near: float | Tensor, far: float | Tensor, jitter: Tensor) -> Tensor:
    """Depths N x R x D x 1 from ``near`` to ``far`` (numbers, or N x R x 1), each moved on by ``jitter`` (N x R x D x
    1, 0 to 1) of a step."""
    samples = jitter.shape[2]
    share = torch.linspace(0, 1, samples, device=jitter.device).view(1, 1, samples, 1)
    if isinstance(near, Tensor) and isinstance(far, Tensor):
        near, far = near[..., None, :], far[..., None, :]
    span = far - near
    return near + share * span + jitter * (span / (samples - 1))


def stratified_disparity(near: float, far: float, jitter: Tensor) -> Tensor:
    """The same, even in 1 / depth."""
    samples = jitter.shape[2]
    share = torch.linspace(0, 1, samples, device=jitter.device).view(1, 1, samples, 1) + jitter / (samples - 1)
    return 1 / ((1 - share) / near + share / far)


def march(features: Tensor, sigma: Tensor, depths: Tensor) -> Marched:
    """Colours, densities and depths are averaged between neighbouring samples; nothing lies behind the last.

    ``features`` N x R x S x C, ``sigma`` N x R x S x 1 (raw: softplus(sigma - 1) is the density), ``depths`` the same.
    """
    steps = depths.diff(dim=2)
    middle = (features[:, :, :-1] + features[:, :, 1:]) / 2
    density = functional.softplus((sigma[:, :, :-1] + sigma[:, :, 1:]) / 2 - 1)
    alpha = 1 - torch.exp(-density * steps)
    passed = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :, :1]), 1 - alpha + 1e-10], dim=2), dim=2)
    weights = alpha * passed[:, :, :-1]
    opacity = weights.sum(dim=2)
    depth = (weights * (depths[:, :, :-1] + depths[:, :, 1:]) / 2).sum(dim=2) / opacity
    return Marched((weights * middle).sum(dim=2), depth, opacity, weights)


def finished(found: Marched, depths: Tensor, white_back: bool) -> Marched:
    """What `march` found on ``depths``, as published: features (0 to 1) from -1 to 1, all of them, on white or on
    nothing; depths not beyond the first and last of the whole batch, which is also the depth where nothing is."""
    features = found.features + 1 - found.opacity if white_back else found.features
    depth = torch.nan_to_num(found.depth, torch.inf).clamp(depths.min(), depths.max())
    return Marched(features * 2 - 1, depth, found.opacity, found.weights)


def importance(depths: Tensor, weights: Tensor, drawn: Tensor) -> Tensor:
    """More depths N x R x F x 1 where ``weights`` (of `march` on ``depths``, N x R x D x 1) are large.

    ``drawn``: N·R x F, 0 to 1, in any order. As published: the weights are blurred, the first and the last are left
    out, and the last midpoint is never reached. No gradient passes.
    """
    count, rays, samples, _ = depths.shape
    with torch.no_grad():
        flat = depths.reshape(count * rays, samples)
        wide = functional.max_pool1d(weights.reshape(count * rays, 1, -1), 2, stride=1, padding=1)
        smooth = functional.avg_pool1d(wide, 2, stride=1)[:, 0] + 0.01
        bins = (flat[:, :-1] + flat[:, 1:]) / 2
        shares = smooth[:, 1:-1] + 1e-5
        shares = shares / shares.sum(dim=-1, keepdim=True)
        passed = functional.pad(shares.cumsum(dim=-1), (1, 0))
        drawn = drawn.contiguous()
        found = torch.searchsorted(passed, drawn, right=True)
        below, above = (found - 1).clamp(min=0), found.clamp(max=samples - 3)
        low, high = passed.gather(1, below), passed.gather(1, above)
        start, end = bins.gather(1, below), bins.gather(1, above)
        gap = torch.where(high - low < 1e-5, 1, high - low)
        return (start + (drawn - low) / gap * (end - start)).view(count, rays, -1, 1)
