"""Light on synthetic things: a sun with shadows, a sky, and highlights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from backend.synthetic.raster import rasterise
from backend.synthetic.textures import Random

_MAP = 320  # side of the shadow map
_BIAS = 0.012  # of the world's reach: a surface does not shade itself
_TAPS = [(x, y) for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0)]


@dataclass(frozen=True, eq=False)
class Light:
    """``towards`` points to the sun (unit, world); ``sun``, ``sky`` and ``bounce`` (from below) are linear RGB;
    ``softness`` is the width of a shadow's edge, of the world's reach."""

    towards: np.ndarray
    sun: np.ndarray
    sky: np.ndarray
    bounce: np.ndarray
    softness: float


def random_light(random: Random) -> Light:
    """From hazy to hard, from warm to cold, never from below."""
    across, up = random.uniform(0, 2 * np.pi), np.radians(random.uniform(22, 80))
    towards = np.array([np.cos(across) * np.cos(up), np.sin(up), np.sin(across) * np.cos(up)], np.float32)
    warm = random.uniform(-0.12, 0.16)
    strength = random.uniform(0.35, 1.1)
    sun = strength * np.array([1 + warm, 1.0, 1 - warm], np.float32)
    sky = random.uniform(0.3, 0.6) * np.array([1 - warm / 2, 1.0, 1 + warm / 2], np.float32)
    return Light(towards, sun, sky, sky * random.uniform(0.3, 0.7), random.uniform(0.003, 0.03))


class ShadowMap:
    """How far each object (layer) reaches towards the sun, seen from it."""

    def __init__(
        self, light: Light, vertices: torch.Tensor, faces: torch.Tensor, layers: torch.Tensor, count: int
    ) -> None:
        side = np.cross([0.0, 1.0, 0.0], light.towards)
        side /= np.linalg.norm(side)
        axes = np.stack([side, np.cross(light.towards, side), light.towards]).astype(np.float32)
        self._axes = torch.from_numpy(axes).to(vertices.device)
        seen = vertices @ self._axes.T
        low, high = seen.amin(dim=0), seen.amax(dim=0)
        self._low, self._span = low[:2] - 0.02, float((high - low)[:2].max()) + 0.04
        self._reach = float((high - low).max())
        self._softness = light.softness
        pixels = (seen[:, :2] - self._low) / self._span * _MAP
        # Depth from the sun, in a range in which its reciprocal, by which the nearest is chosen, is nearly linear.
        self._top = float(high[2]) + 20 * self._reach
        hits = rasterise(pixels, self._top - seen[:, 2], faces, layers, (count, _MAP, _MAP))
        self._height = torch.where(hits.face >= 0, self._top - hits.depth, -torch.inf)

    def shade(self, points: torch.Tensor, layer: int, only_self: bool) -> torch.Tensor:
        """How much of the sun reaches ``points`` (N x 3) of object ``layer`` (-1: the ground), 0 to 1: N. With
        ``only_self`` the other objects are not there."""
        seen = points.to(self._axes.device) @ self._axes.T
        lit = torch.zeros(len(points), device=seen.device)
        spread = self._softness * self._reach / self._span
        others = [k for k in range(len(self._height)) if k != layer]
        for x, y in _TAPS:
            shift = torch.tensor([x * spread, y * spread], device=seen.device)
            at = (((seen[:, :2] - self._low) / self._span + shift) * _MAP).floor().long()
            outside = ((at < 0) | (at >= _MAP)).any(dim=1)
            at = at.clamp(0, _MAP - 1)
            over = torch.full_like(lit, -torch.inf)
            if layer >= 0:
                over = self._height[layer, at[:, 1], at[:, 0]] - _BIAS * self._reach
            if not only_self and others:
                over = torch.maximum(
                    over, self._height[others][:, at[:, 1], at[:, 0]].amax(dim=0) - 0.002 * self._reach
                )
            lit += (outside | (seen[:, 2] >= over)).float()
        return lit / len(_TAPS)


def shaded(
    light: Light, albedo: torch.Tensor, normals: torch.Tensor, to_eye: torch.Tensor, reached: torch.Tensor, gloss: float
) -> torch.Tensor:
    """sRGB colours (0 to 1, N x 3) of surfaces of sRGB ``albedo`` with unit ``normals``, seen from ``to_eye`` (unit),
    where ``reached`` (N) of the sun's light arrives."""
    towards, sun, sky, bounce = (
        torch.from_numpy(np.asarray(each, np.float32)).to(albedo.device)
        for each in (light.towards, light.sun, light.sky, light.bounce)
    )
    linear = albedo.clamp(0, 1) ** 2.2
    facing = (normals @ towards).clamp(min=0) * reached
    upward = (normals[:, 1:2] + 1) / 2
    colour = linear * (facing[:, None] * sun + upward * sky + (1 - upward) * bounce)
    halfway = torch.nn.functional.normalize(to_eye + towards, dim=-1)
    spark = (normals * halfway).sum(dim=-1).clamp(min=0) ** (8 + 70 * gloss) * gloss * (facing > 0) * reached
    return (colour + 0.6 * spark[:, None] * sun).clamp(0, 1) ** (1 / 2.2)
