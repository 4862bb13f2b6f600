"""The volume's small picture and features to the full picture, of colours or of labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.models.pix2pix3d.config import TAKES, Config
from backend.models.pix2pix3d.layers import fir
from backend.models.pix2pix3d.planes import Block

_CLAMP = 256.0
_ROWS = 3


def resized(x: Tensor, side: int) -> Tensor:
    """N x C x side x side, bilinear, without aliasing."""
    if x.shape[-1] == side:
        return x
    return functional.interpolate(x, size=(side, side), mode="bilinear", align_corners=False, antialias=True)


def _in_half(x: Tensor) -> bool:
    """Whether convolutions are computed in float16: on a GPU, as published, where nothing is learned."""
    return x.is_cuda and not torch.is_grad_enabled()


class SuperResolution(nn.Module):
    """Two blocks; "8xdc" doubles the size twice, the others once. Noise is never added."""

    def __init__(self, config: Config, picture: int) -> None:
        super().__init__()
        self.kind = config.super_resolution
        self.takes = TAKES[self.kind]
        grows = self.kind == "8xdc"
        first, second = config.super_widths
        side = self.takes * (2 if grows else 1)
        self.block0 = Block(config.plane_channels, first, config.w_dim, side, picture, grows, _CLAMP)
        self.block1 = Block(first, second, config.w_dim, 2 * side, picture, True, _CLAMP)
        if not grows:
            self.register_buffer("resample_filter", fir())  # in the authors' files, and unused

    def forward(self, picture: Tensor, x: Tensor, styles: Tensor) -> tuple[Tensor, Tensor]:
        """From ``picture`` (N x P x h x h), features ``x`` (N x C x h x h) and ``styles`` (N x rows x w, of which the
        last serves) to the full picture, and the small one with what the first block added.

        In the authors' code the latter overwrites the small picture where sizes agree; `Generator` says when to ask.
        """
        if not (self.kind == "4x" and x.shape[-1] >= self.takes):
            picture, x = resized(picture, self.takes), resized(x, self.takes)
        rows = styles[:, -1:].expand(-1, _ROWS, -1)
        if _in_half(x):
            x = x.half()
        elif not torch.is_autocast_enabled(x.device.type):
            x = x.to(next(self.parameters()).dtype)
        x, middle = self.block0(x, picture.float(), rows, noise="none")
        _, full = self.block1(x, middle, rows, noise="none")
        return full, middle
