"""Making a field agree with its label maps more closely than one pass of the encoder does: a few steps of descent on
the shape's styles, through the volume rendering. Not in the paper, whose results are those of one pass ("draft")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from backend.fields.rays import Rays, camera_matrices, rays_of
from backend.models.pix2pix3d.generator import Generator, Jitter

IGNORED = -100
_RATE = 0.07
_BETAS = (0.8, 0.95)
_HELD = 0.1  # how strongly styles are held where they were
_RAYS = 512  # in a step, of all maps together
_AROUND = 9  # pixels: how far from what is painted background is looked at, at 128 pixels a side


@dataclass(frozen=True, eq=False)
class Painted:
    """A label map, int64 side x side with IGNORED where anything may be, and the 25 numbers of its camera, 1 x 25."""

    labels: Tensor
    camera: Tensor


def agreed(
    network: Generator, styles: Tensor, maps: tuple[Painted, ...], steps: int, step: Callable[[int], None]
) -> Tensor:
    """``styles`` 1 x rows x w whose field agrees with ``maps``; the rows of the look stay as they are. ``step`` is
    called with the number of steps done, and may raise to stop. The same input gives the same styles."""
    config = network.config
    shape, look = styles[:, : config.label_layers].clone(), styles[:, config.label_layers :].clone()
    pixels = _pixels(maps, config.labels)
    generator = torch.Generator().manual_seed(0)
    with torch.enable_grad():
        moved = shape.clone().requires_grad_()
        optimiser = torch.optim.Adam([moved], _RATE, betas=_BETAS)
        for done in range(steps):
            step(done)
            loss = _loss(network, torch.cat([moved, look], dim=1), pixels, generator, jittered=True)
            loss = loss + _HELD * (moved - shape).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return torch.cat([moved.detach(), look], dim=1)


def disagreement(network: Generator, styles: Tensor, maps: tuple[Painted, ...]) -> float:
    """The loss of `agreed` where ``styles`` are, at some of the pixels: smaller is better."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        return float(_loss(network, styles, _pixels(maps, network.config.labels), generator, jittered=False))


class _Pixels(NamedTuple):
    """Labels int64 K, rays 1 x K x 3, and how much each label counts."""

    labels: Tensor
    rays: Rays
    weights: Tensor


def _loss(network: Generator, styles: Tensor, pixels: _Pixels, generator: torch.Generator, jittered: bool) -> Tensor:
    """How far the labels seen at some of ``pixels``, which ``generator`` draws, are from those painted there."""
    picked = torch.randint(len(pixels.labels), (_RAYS,), generator=generator).to(pixels.labels.device)
    some = Rays(*(each[:, picked] for each in pixels.rays))
    jitter = Jitter.random(some, network.config, generator) if jittered else Jitter.none(some, network.config)
    logits = network.label_logits(network.render_rays(network.planes(styles), some, jitter))
    return functional.cross_entropy(logits[0], pixels.labels[picked], pixels.weights)


def _pixels(maps: tuple[Painted, ...], count: int) -> _Pixels:
    """All maps' pixels that say something, of ``count`` labels: what is painted, and background near it."""
    labels, origins, directions = [], [], []
    for one in maps:
        side = one.labels.shape[-1]
        wide = _AROUND * side // 128 // 2 * 2 + 1
        painted = (one.labels != 0).float()[None, None]
        near = functional.max_pool2d(painted, wide, stride=1, padding=wide // 2)[0, 0] > 0
        at = (near & (one.labels != IGNORED)).flatten()
        rays = rays_of(*camera_matrices(one.camera), side)
        labels.append(one.labels.flatten()[at])
        origins.append(rays.origins[:, at])
        directions.append(rays.directions[:, at])
    wanted = torch.cat(labels)
    return _Pixels(wanted, Rays(torch.cat(origins, dim=1), torch.cat(directions, dim=1)), _weights(wanted, count))


def _weights(wanted: Tensor, labels: int) -> Tensor:
    """Of each label: small parts count more than their pixels, as people look at them."""
    share = functional.one_hot(wanted, labels).float().mean(dim=0)
    return torch.where(share > 0, (labels * share).clamp(min=1e-3).rsqrt(), 0)
