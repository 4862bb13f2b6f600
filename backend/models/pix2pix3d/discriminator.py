"""The discriminators that the published networks are trained against: one sees pictures, one pictures with labels."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from backend.models.pix2pix3d.layers import Convolution, FullyConnected, ResidualBlock, fir, normalised
from backend.models.pix2pix3d.superresolution import resized

_END = 4
_CLAMP = 256.0
_SLOW = 0.01
_LAYERS = 8
_CAMERA = 25

Judge = Callable[[Tensor, Tensor, Tensor], Tensor]  # `Discriminator.forward`, or what leads to it


def spread_in_batch(x: Tensor, group: int) -> Tensor:
    """``x`` (N x C x H x W) with one more channel: how much its group of the batch differs (Karras and others 2018)."""
    count, channels, height, width = x.shape
    group = min(group, count)
    each = x.reshape(group, -1, channels, height, width)
    spread = (each.var(dim=0, correction=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    return torch.cat([x, spread.repeat(group).view(count, 1, 1, 1).expand(-1, -1, height, width)], dim=1)


class CameraMapping(nn.Module):
    """N x 25 to N x wide: what a true picture's features point to, as seen from the camera."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.embed = FullyConnected(_CAMERA, wide)
        for number in range(_LAYERS):
            setattr(self, f"fc{number}", FullyConnected(wide, wide, "lrelu", _SLOW))

    def forward(self, camera: Tensor) -> Tensor:
        x = normalised(self.embed(camera))
        for number in range(_LAYERS):
            x = getattr(self, f"fc{number}")(x)
        return x


class End(nn.Module):
    """The last 4 x 4 pixels to features of the whole picture."""

    def __init__(self, wide: int, group: int, clamp: float | None) -> None:
        super().__init__()
        self._group = group
        self.conv = Convolution(wide + 1, wide, 3, "lrelu", clamp=clamp)
        self.fc = FullyConnected(wide * _END * _END, wide, "lrelu")
        self.out = FullyConnected(wide, wide)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.fc(self.conv(spread_in_batch(x, self._group)).flatten(1)))


class Discriminator(nn.Module):
    """``channels`` of a picture: 3, or 3 and those of its label map. It is seen twice, as it is and as the volume
    showed it, brought to the same size."""

    resample_filter: Tensor

    def __init__(
        self,
        channels: int,
        size: int,
        base: int = 32768,
        most: int = 512,
        group: int = 4,
        clamp: float | None = _CLAMP,
    ) -> None:
        super().__init__()

        def wide(side: int) -> int:
            return min(base // side, most)

        self._sides = [size >> k for k in range(size.bit_length() - _END.bit_length())]
        colours = 2 * channels
        for side in self._sides:
            setattr(self, f"b{side}", ResidualBlock(wide(side), wide(side // 2), colours, clamp))
            colours = 0
        self.mapping = CameraMapping(wide(_END))
        self.b4 = End(wide(_END), group, clamp)
        self.register_buffer("resample_filter", fir())

    def forward(self, picture: Tensor, raw: Tensor, camera: Tensor) -> Tensor:
        """N x 1: how true each looks (a logit). ``picture`` N x C x S x S, ``raw`` N x C x h x h, ``camera`` N x 25."""
        x = torch.cat([picture, resized(raw, picture.shape[-1])], dim=1)
        for side in self._sides:
            x = getattr(self, f"b{side}")(x)
        pointed = self.mapping(camera)
        return (self.b4(x) * pointed).sum(dim=1, keepdim=True) / math.sqrt(pointed.shape[1])


def gradient_penalty(discriminator: Judge, picture: Tensor, raw: Tensor, camera: Tensor) -> Tensor:
    """N: the squared length of the logits' gradient in both pictures, which true ones are held to (R1, Mescheder and
    others 2018); can itself be learned from."""
    picture, raw = picture.detach().requires_grad_(), raw.detach().requires_grad_()
    with torch.enable_grad():
        logits = discriminator(picture, raw, camera)
        slopes = torch.autograd.grad(logits.sum(), (picture, raw), create_graph=True)
    return sum(
        (slope.square().sum(dim=(1, 2, 3)) for slope in slopes), torch.zeros(len(picture), device=picture.device)
    )
