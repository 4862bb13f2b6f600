"""What the starter's generator is scored by while it learns: what is where, and how it looks through cameras."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from backend.fields.rays import Rays, camera_matrices, rays_of
from backend.models.pix2pix3d.generator import Generator, Jitter, Volume

_NEAR = 0.03  # of the surface: where labels and colours are asked for
_SOFT = 0.006  # width of the surface
_SHARP = 8.0  # raw density for one unit of the occupancy's logit


def field_losses(network: Generator, planes: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """At points N x M x 3 of known signed distance, label and colour."""
    features, sigma = network.query(planes, batch["points"])
    distance = batch["distances"]
    logit = (sigma[..., 0] - network.config.iso_level) / _SHARP
    occupied = functional.binary_cross_entropy_with_logits(logit, torch.sigmoid(-distance / _SOFT))
    near = distance.abs() < _NEAR
    channels, labels = network.config.plane_channels, network.config.labels
    named = features[..., channels : channels + labels][near] * 2
    label = functional.cross_entropy(named, batch["labels"][near], batch["weights"][0])
    colour = (features[..., :3][near] - batch["colours"][near]).abs().mean()
    return {"occupied": occupied, "label": label, "colour": colour}


def ray_losses(network: Generator, planes: Tensor, batch: dict[str, Tensor], rays: int) -> dict[str, Tensor]:
    """Through the second camera of the first of the batch, at ``rays`` pixels of each."""
    count, side = batch["ray_camera"].shape[0], batch["map"].shape[-1]
    config = network.config
    camera = batch["ray_camera"]
    every = rays_of(*camera_matrices(camera), side)
    picked = torch.randint(side * side, (count, rays, 1), device=planes.device)
    some = Rays(*(each.gather(1, picked.expand(-1, -1, 3)) for each in every))
    found = network.render_rays(planes[:count], some, Jitter.random(some, config))
    picked = picked[..., 0]
    labels = batch["ray_map"].flatten(1).gather(1, picked)
    image = batch["ray_image"].flatten(1, 2).gather(1, picked[..., None].expand(-1, -1, 3))
    logits = network.label_logits(found)
    solid = (labels > 0).float()
    opacity = found.opacity[..., 0].clamp(1e-4, 1 - 1e-4)
    return {
        "ray_opacity": -(solid * opacity.log() + (1 - solid) * (1 - opacity).log()).mean(),
        "ray_label": functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), batch["weights"][0]),
        "ray_colour": (found.features[..., :3] - image).abs().mean(),
    }


def picture_losses(
    network: Generator, planes: Tensor, styles: Tensor, batch: dict[str, Tensor], count: int
) -> dict[str, Tensor]:
    """Of the full pictures of the last ``count`` through the second camera. The field is taken as it is."""
    with torch.no_grad():
        volume = _looked_at(network, planes[-count:], batch["picture_camera"])
    seen = network.pictures(volume, styles[-count:])
    colour = (seen.image - batch["picture_image"][-count:].permute(0, 3, 1, 2)).abs().mean()
    label = functional.cross_entropy(seen.semantic, batch["picture_map"][-count:], batch["weights"][0])
    return {"picture_colour": colour, "picture_label": label}


def _looked_at(network: Generator, planes: Tensor, cameras: Tensor) -> Volume:
    volumes = [
        network.quick_volume(plane[None], network.occupancy(plane[None]), camera[None])
        for plane, camera in zip(planes, cameras, strict=True)
    ]
    return Volume(*(torch.cat(parts) for parts in zip(*volumes, strict=True)))


WEIGHTS: dict[str, float] = {
    "occupied": 2.0,
    "label": 0.5,
    "colour": 2.0,
    "ray_opacity": 1.0,
    "ray_label": 1.0,
    "ray_colour": 1.0,
    "picture_colour": 1.0,
    "picture_label": 0.5,
}


def total(losses: dict[str, Tensor]) -> Tensor:
    """Their weighted sum."""
    return torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
