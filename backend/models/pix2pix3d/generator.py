"""The conditional generator (Deng and others 2023, "3D-aware Conditional Image Synthesis"): label map and style to a
tri-plane field, and that field through a camera as colours, labels and depth."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.fields.rays import Rays, box_limits, camera_matrices, rays_of
from backend.fields.sparse import Occupancy, occupancy_of, render_sparse
from backend.fields.triplanes import PUBLISHED, THREE, sample_planes
from backend.fields.volume import Marched, finished, importance, march, stratified
from backend.models.pix2pix3d.config import TAKES, Config
from backend.models.pix2pix3d.layers import FullyConnected, Noise
from backend.models.pix2pix3d.mapping import Mapping
from backend.models.pix2pix3d.planes import PlaneSynthesis
from backend.models.pix2pix3d.superresolution import SuperResolution


class Jitter(NamedTuple):
    """The random numbers of one rendering, 0 to 1: ``strata`` N x R x D x 1, ``fine`` N·R x F."""

    strata: Tensor
    fine: Tensor

    @classmethod
    def none(cls, rays: Rays, config: Config) -> Jitter:
        """Evenly spread: the same picture every time."""
        count, across, device = *rays.origins.shape[:2], rays.origins.device
        even = (torch.arange(config.fine, device=device) + 0.5) / max(config.fine, 1)
        return cls(
            torch.full((count, across, config.coarse, 1), 0.5, device=device),
            even.expand(count * across, -1),
        )

    @classmethod
    def random(cls, rays: Rays, config: Config, generator: torch.Generator | None = None) -> Jitter:
        count, across = rays.origins.shape[:2]
        shapes = (count, across, config.coarse, 1), (count * across, config.fine)
        device = rays.origins.device if generator is None else generator.device
        return cls(*(torch.rand(shape, generator=generator, device=device).to(rays.origins.device) for shape in shapes))


class Volume(NamedTuple):
    """The rendered features: ``colours`` N x C x h x h, the first three of them RGB, ``labels`` the same, the first
    few of them the label map, ``depth`` and ``opacity`` N x 1 x h x h."""

    colours: Tensor
    labels: Tensor
    depth: Tensor
    opacity: Tensor


class Seen(NamedTuple):
    """A field through cameras: ``image`` N x 3 x P x P about -1 to 1, ``semantic`` N x labels x P x P (logits, or a
    drawing from 1, paper, to -1, ink), and the small ones they come from. ``depth`` N x 1 x h x h along the ray."""

    image: Tensor
    image_raw: Tensor
    semantic: Tensor
    semantic_raw: Tensor
    depth: Tensor
    opacity: Tensor


class Decoder(nn.Module):
    """Two small networks on the mean of the planes' features. The density is the first number of the labels' one."""

    def __init__(self, config: Config) -> None:
        super().__init__()

        def network() -> nn.Sequential:
            first = FullyConnected(config.plane_channels, config.decoder_hidden)
            return nn.Sequential(first, nn.Softplus(), FullyConnected(config.decoder_hidden, 1 + config.plane_channels))

        self.net = network()
        self.net_semantic = network()
        self._draws = config.draws

    def forward(self, found: Tensor) -> tuple[Tensor, Tensor]:
        """N x 3 x M x C to features N x M x 2C (colours, then labels) and raw densities N x M x 1."""
        x = found.mean(dim=1)
        # As float32 where convolutions are not: what follows adds up many small numbers.
        labels = self.net_semantic(x).float()
        sigma, labels = labels[..., :1], labels[..., 1:]
        colours = _bounded(self.net(x).float()[..., 1:])
        return torch.cat([colours, _bounded(labels) if self._draws else labels], dim=-1), sigma


def _bounded(x: Tensor) -> Tensor:
    return torch.sigmoid(x) * 1.002 - 0.001


class Backbone(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.synthesis = PlaneSynthesis(config)
        self.mapping = Mapping(config)


class Generator(nn.Module):
    """``styles`` are N x rows x w everywhere, ``planes`` N x 3 x C x side x side, ``camera`` N x 25 (OpenCV's axes)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.superresolution = SuperResolution(config, 3)
        self.superresolution_semantic = SuperResolution(config, config.labels)
        self.decoder = Decoder(config)
        self._axes = PUBLISHED if config.plane_axes == "published" else THREE

    def styles(self, labels: Tensor, z: Tensor, pose: Tensor) -> Tensor:
        """See `Mapping.forward`."""
        return self.backbone.mapping(labels, z, pose)

    def planes(self, styles: Tensor, noise: Noise = "const") -> Tensor:
        return self.backbone.synthesis(styles, noise).unflatten(1, (3, self.config.plane_channels))

    def query(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Features and raw densities at ``points`` (N x M x 3); see `Decoder`."""
        features, sigma = self.decoder(sample_planes(planes, points, self.config.box, self._axes))
        if self.training or self.config.steeper == 1:
            return features, sigma
        return features, self.config.iso_level + (sigma - self.config.iso_level) * self.config.steeper

    def render_rays(self, planes: Tensor, rays: Rays, jitter: Jitter) -> Marched:
        """What ``rays`` see: features from -1 to 1, labels like colours, so that all labels are equal where nothing
        is."""
        config = self.config
        depths = stratified(*self._limits(rays), jitter.strata)
        features, sigma = self._along(planes, rays, depths)
        if config.fine:
            weights = march(features, sigma, depths).weights
            more = importance(depths, weights, jitter.fine)
            fine_features, fine_sigma = self._along(planes, rays, more)
            depths, order = torch.sort(torch.cat([depths, more], dim=2), dim=2)
            features, sigma = (
                torch.cat(pair, dim=2).gather(2, order.expand(-1, -1, -1, pair[0].shape[-1]))
                for pair in ((features, fine_features), (sigma, fine_sigma))
            )
        return finished(march(features, sigma, depths), depths, config.white_back)

    def _limits(self, rays: Rays) -> tuple[float, float] | tuple[Tensor, Tensor]:
        """Between which depths there is something to see."""
        config = self.config
        if config.far:
            return config.near, config.far
        near, far = box_limits(rays, config.box)
        missed = far <= near
        return torch.where(missed, config.radius, near), torch.where(missed, config.radius + config.box, far)

    def _along(self, planes: Tensor, rays: Rays, depths: Tensor) -> tuple[Tensor, Tensor]:
        points = rays.origins[:, :, None] + depths * rays.directions[:, :, None]
        features, sigma = self.query(planes, points.flatten(1, 2))
        return (each.unflatten(1, depths.shape[1:3]) for each in (features, sigma))  # pyright: ignore[reportReturnType]

    def label_logits(self, found: Marched) -> Tensor:
        """N x R x labels of what rays saw, the first raised where that was nothing."""
        first = self.config.plane_channels
        logits = found.features[..., first : first + self.config.labels]
        return torch.cat([logits[..., :1] + self.config.empty_logit * (1 - found.opacity), logits[..., 1:]], dim=-1)

    def volume(self, planes: Tensor, camera: Tensor, side: int | None = None, jitter: Jitter | None = None) -> Volume:
        """The field through ``camera`` at ``side`` (``render_size`` if none) pixels; without ``jitter`` evenly
        sampled."""
        side = side or self.config.render_size
        rays = rays_of(*camera_matrices(camera), side)
        found = self.render_rays(planes, rays, jitter or Jitter.none(rays, self.config))
        features, depth, opacity = (
            each.transpose(1, 2).unflatten(2, (side, side)) for each in (found.features, found.depth, found.opacity)
        )
        return self._volume(features, depth, opacity)

    def occupancy(self, planes: Tensor) -> Occupancy:
        """Where one field (``planes`` 1 x 3 x …) has something."""

        def density(points: Tensor) -> Tensor:
            return self.query(planes, points[None])[1][0, :, 0]

        return occupancy_of(density, self.config.box, device=planes.device)

    @torch.no_grad()
    def quick_volume(
        self, planes: Tensor, occupancy: Occupancy, camera: Tensor, side: int | None = None, samples: int = 0
    ) -> Volume:
        """`volume` of one field, asking only where something is; ``samples`` along a ray, as many as `volume` if 0."""
        side = side or self.config.render_size
        rays = rays_of(*camera_matrices(camera), side)

        def query(points: Tensor) -> tuple[Tensor, Tensor]:
            features, sigma = self.query(planes, points[None])
            return features[0], sigma[0, :, 0]

        found = render_sparse(query, occupancy, rays, samples or self.config.coarse + self.config.fine)
        features = found.features + (1 - found.opacity)[:, None] if self.config.white_back else found.features
        features = (features * 2 - 1).T.view(1, -1, side, side)
        depth, opacity = (each.view(1, 1, side, side) for each in (found.depth, found.opacity))
        return self._volume(features, depth, opacity)

    def _volume(self, features: Tensor, depth: Tensor, opacity: Tensor) -> Volume:
        colours, labels = features.split(self.config.plane_channels, dim=1)
        if self.config.empty_logit:
            raised = labels[:, :1] + self.config.empty_logit * (1 - opacity)
            labels = torch.cat([raised, labels[:, 1:]], dim=1)
        return Volume(colours, labels, depth, opacity)

    def pictures(self, volume: Volume, styles: Tensor, overwritten: bool = False) -> Seen:
        """``overwritten``: the small pictures as the authors' code leaves them, which adds to them what the first block
        of a super-resolution that need not resize makes."""
        image_raw, semantic_raw = volume.colours[:, :3], volume.labels[:, : self.config.labels]
        image, colours_after = self.superresolution(image_raw, volume.colours, styles)
        semantic, labels_after = self.superresolution_semantic(semantic_raw, volume.labels, styles)
        kind = self.config.super_resolution
        if overwritten and kind != "8xdc" and image_raw.shape[-1] == TAKES[kind]:
            image_raw, semantic_raw = colours_after, labels_after
        return Seen(image, image_raw, semantic, semantic_raw, volume.depth, volume.opacity)

    def forward(
        self, labels: Tensor, z: Tensor, pose: Tensor, camera: Tensor, side: int | None = None, noise: Noise = "const"
    ) -> Seen:
        """The map ``labels`` seen from ``pose``, rendered from ``camera``."""
        styles = self.styles(labels, z, pose)
        return self.pictures(self.volume(self.planes(styles, noise), camera, side), styles)


def label_map_of(semantic: Tensor) -> Tensor:
    """int64 N x H x W: the likeliest label, the lowest of equals."""
    return semantic.argmax(dim=1)


def at_size(labels: Tensor, side: int) -> Tensor:
    """A label map N x H x W by its nearest pixels."""
    return functional.interpolate(labels[:, None].float(), size=(side, side), mode="nearest")[:, 0].long()
