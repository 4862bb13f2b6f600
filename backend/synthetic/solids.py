"""Solids as signed distances in PyTorch: negative inside, positive outside, in the solid's own units.

Each function takes points (float32 N x 3, +Y up) and gives float32 N. Exact where said so; the others are bounds, right
in sign everywhere and close to exact near the surface, which is all that a mesh is made from. Formulas: the standard
ones for exact distances to primitives; Barr 1981, "Superquadrics and Angle-Preserving Transformations", for the
superquadric's inside-outside function.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

Points = torch.Tensor


def _row(values: Sequence[float], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)


def box(points: Points, half: Sequence[float], round_: float = 0.0) -> torch.Tensor:
    """A box of half sizes ``half`` whose edges are rounded by ``round_``. Exact."""
    beyond = points.abs() - (_row(half, points) - round_)
    outside = beyond.clamp(min=0).norm(dim=-1)
    return outside + beyond.amax(dim=-1).clamp(max=0) - round_


def capsule(points: Points, start: Sequence[float], end: Sequence[float], radii: tuple[float, float]) -> torch.Tensor:
    """A ball of ``radii[0]`` swept from ``start`` to ``end`` while its radius turns into ``radii[1]``. Exact for equal
    radii."""
    first, way = _row(start, points), _row(end, points) - _row(start, points)
    along = ((points - first) @ way / (way @ way).clamp(min=1e-12)).clamp(0, 1)
    radius = radii[0] + (radii[1] - radii[0]) * along
    return (points - first - along[:, None] * way).norm(dim=-1) - radius


def superquadric(points: Points, half: Sequence[float], upright: float = 1.0, around: float = 1.0) -> torch.Tensor:
    """Superellipsoid of half sizes ``half``; exponents e1 ``upright`` (seen from the side) and e2 ``around`` (from
    above): 1 is an ellipsoid, towards 0 a box."""
    scaled = (points / _row(half, points)).abs().clamp(min=1e-6)
    flat = (scaled[:, 0] ** (2 / around) + scaled[:, 2] ** (2 / around)) ** (around / upright)
    field = (flat + scaled[:, 1] ** (2 / upright)) ** (upright / 2)
    # Along the ray from the centre the field grows linearly, so this is the distance along that ray.
    radial = points.norm(dim=-1)
    return torch.where(radial > 1e-6, radial * (1 - 1 / field), _row(half, points).min().neg())


def torus(points: Points, major: float, minor: float) -> torch.Tensor:
    """A ring around the Y axis. Exact."""
    flat = points[:, [0, 2]].norm(dim=-1) - major
    return torch.stack([flat, points[:, 1]], dim=-1).norm(dim=-1) - minor


def lathe(points: Points, profile: Sequence[tuple[float, float]]) -> torch.Tensor:
    """What a closed polygon of (radius, height) corners sweeps around the Y axis. Exact."""
    flat = torch.stack([points[:, [0, 2]].norm(dim=-1), points[:, 1]], dim=-1)
    return polygon(flat, profile)


def polygon(flat: torch.Tensor, corners: Sequence[tuple[float, float]]) -> torch.Tensor:
    """Distance in the plane (float32 N x 2) to a closed polygon: N. Exact."""
    nearest = torch.full_like(flat[:, 0], torch.inf)
    inside = torch.zeros_like(flat[:, 0], dtype=torch.bool)
    for first, second in zip(corners, [*corners[1:], corners[0]], strict=True):
        start, way = _row(first, flat), _row(second, flat) - _row(first, flat)
        off = flat - start
        along = (off @ way / (way @ way).clamp(min=1e-12)).clamp(0, 1)
        nearest = torch.minimum(nearest, (off - along[:, None] * way).square().sum(dim=-1))
        crosses = (first[1] > flat[:, 1]) != (second[1] > flat[:, 1])
        rise = second[1] - first[1]
        if rise:
            inside ^= crosses & (flat[:, 0] < (flat[:, 1] - first[1]) / rise * (second[0] - first[0]) + first[0])
    return torch.where(inside, -nearest.sqrt(), nearest.sqrt())


def smooth_union(first: torch.Tensor, second: torch.Tensor, blend: float) -> torch.Tensor:
    """The union of two solids with a fillet about ``blend`` wide (polynomial smooth minimum); sharp for 0."""
    if blend <= 0:
        return torch.minimum(first, second)
    mix = (0.5 + 0.5 * (second - first) / blend).clamp(0, 1)
    return second + (first - second) * mix - blend * mix * (1 - mix)
