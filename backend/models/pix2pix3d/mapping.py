"""From a label map, a style code and the map's camera to the styles of the planes' network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.fields.rays import camera_matrices, rays_of
from backend.models.pix2pix3d.config import Config
from backend.models.pix2pix3d.layers import FullyConnected, ResidualBlock, normalised

_END = 4  # side of the map that the projector sees
_REMEMBERED = 0.995
RAY_CHANNELS = 6


class Projector(nn.Module):
    """One convolution over the whole 4 x 4 map."""

    def __init__(self, channels: int, wide: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(wide, channels, _END, _END))

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight / math.sqrt(self.weight[0].numel())).flatten(1)


class LabelEncoder(nn.Module):
    """N x C x side x side to N x layers x w."""

    alpha: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._layers = config.label_layers
        self._sides: list[int] = []

        def wide(side: int) -> int:
            return min(config.encoder_base // side, config.encoder_most)

        side, colours = config.label_size, config.labels + (RAY_CHANNELS if config.sees_rays else 0)
        while side > _END:
            setattr(self, f"b{side}", ResidualBlock(wide(side), wide(side // 2), colours))
            self._sides.append(side)
            side, colours = side // 2, 0
        self.projector = Projector(wide(_END), config.label_layers * config.w_dim)
        self.register_buffer("alpha", torch.tensor(-1.0))  # in the authors' files, and unused

    def forward(self, x: Tensor) -> Tensor:
        for side in self._sides:
            x = getattr(self, f"b{side}")(x)
        return self.projector(x).view(len(x), self._layers, -1)


class Mapping(nn.Module):
    """``forward`` gives N x rows x w: the label encoder's first, as they are, then the style's, repeated."""

    w_avg: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed_mask = LabelEncoder(config)
        wide = config.z_dim
        if config.pose_conditioned:
            self.embed = FullyConnected(config.camera_numbers, config.w_dim)
            wide += config.w_dim
        self.fc0 = FullyConnected(wide, config.w_dim, "lrelu", config.style_rate)
        self.fc1 = FullyConnected(config.w_dim, config.w_dim, "lrelu", config.style_rate)
        self.register_buffer("w_avg", torch.zeros(config.rows, config.w_dim))

    def forward(self, labels: Tensor, z: Tensor, pose: Tensor) -> Tensor:
        """``labels``: ids int64 N x side x side, the side being ``label_size`` or some times that; or of a drawing
        float32 N x 1 x side x side, 1 paper to -1 ink. ``z`` N x z_dim, ``pose`` N x 25, the camera of the map. An id
        that there is no channel for is a ValueError."""
        shown = self.embed_mask(self.shown(labels, pose))
        style = self.style(z, pose)[:, None].expand(-1, self.config.rows - self.config.label_layers, -1)
        return torch.cat([shown, style], dim=1)

    def shown(self, labels: Tensor, pose: Tensor) -> Tensor:
        """What the encoder sees: a channel a label, then the rays where it sees those."""
        config = self.config
        if config.draws:
            planes = labels
        else:
            if int(labels.max()) >= config.labels:
                raise ValueError(f"label {int(labels.max())} of {config.labels}")
            planes = functional.one_hot(labels, config.labels).permute(0, 3, 1, 2).float()
            planes = functional.avg_pool2d(planes, labels.shape[-1] // config.label_size)
        if not config.sees_rays:
            return planes
        rays = rays_of(*camera_matrices(pose), config.label_size)
        both = torch.cat([rays.origins / config.radius, rays.directions], dim=-1)
        return torch.cat([planes, both.transpose(1, 2).unflatten(2, (config.label_size, config.label_size))], dim=1)

    def style(self, z: Tensor, pose: Tensor) -> Tensor:
        """N x w of the style code and the camera alone."""
        x = normalised(z)
        if self.config.pose_conditioned:
            seen = torch.zeros_like(pose) if self.config.pose_zeroed else pose
            x = torch.cat([x, normalised(self.embed(seen))], dim=1)
        return self.fc1(self.fc0(x))

    @torch.no_grad()
    def follow(self, styles: Tensor) -> None:
        """Take ``styles`` into the mean ones, while learning."""
        self.w_avg.lerp_(styles.detach().float().mean(dim=0), 1 - _REMEMBERED)

    def truncated(self, styles: Tensor, psi: float, rows: slice = slice(None)) -> Tensor:
        """``styles`` drawn towards the mean ones: 1 leaves them, 0 gives the mean. Of ``rows`` alone if given."""
        styles = styles.clone()
        styles[:, rows] = self.w_avg[rows] + psi * (styles[:, rows] - self.w_avg[rows])
        return styles
