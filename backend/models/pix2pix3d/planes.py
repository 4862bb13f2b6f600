"""Styles to a picture that grows from 4 x 4: blocks of StyleGAN2's "skip" architecture. The backbone's picture is the
three planes of the field; two more blocks make the super-resolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.models.pix2pix3d.config import Config
from backend.models.pix2pix3d.layers import Noise, StyledConvolution, ToPicture, fir, upsampled

START = 4


class Block(nn.Module):
    """Two convolutions (one in the block that begins with ``const``) and a part of the picture.

    ``grows``: to twice the size; the second block of a super-resolution always does, the first need not.
    """

    resample_filter: Tensor

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        w_dim: int,
        side: int,
        picture: int,
        grows: bool = True,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.grows = grows
        self.register_buffer("resample_filter", fir())
        if channels_in:
            up = 2 if grows else 1
            self.conv0 = StyledConvolution(channels_in, channels_out, w_dim, side, up, clamp)
        else:
            self.const = nn.Parameter(torch.randn(channels_out, side, side))
        self.conv1 = StyledConvolution(channels_out, channels_out, w_dim, side, clamp=clamp)
        self.torgb = ToPicture(channels_out, picture, w_dim, clamp)

    @property
    def convolutions(self) -> int:
        return 2 if hasattr(self, "conv0") else 1

    def forward(
        self, x: Tensor | None, picture: Tensor | None, styles: Tensor, noise: Noise = "const"
    ) -> tuple[Tensor, Tensor]:
        """``x`` N x C x H x W (None in the first block), the ``picture`` so far, ``styles`` N x (convolutions + 1) x w:
        both at this block's size. The picture is float32 whatever ``x`` is."""
        rows = list(styles.unbind(dim=1))
        start = self.const.expand(len(styles), -1, -1, -1) if x is None else self.conv0(x, rows.pop(0), noise)
        made: Tensor = self.conv1(start, rows.pop(0), noise)
        drawn: Tensor = self.torgb(made, rows.pop(0)).float()
        if picture is None:
            return made, drawn
        if self.grows:
            picture = upsampled(picture, self.resample_filter)
        return made, picture + drawn


class PlaneSynthesis(nn.Module):
    """The backbone: styles to N x (3 · channels) x side x side."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        sides = [START << k for k in range(config.plane_size.bit_length() - START.bit_length() + 1)]
        before = 0
        for side in sides:
            wide = min(config.plane_base // side, config.plane_most)
            block = Block(before, wide, config.w_dim, side, 3 * config.plane_channels)
            setattr(self, f"b{side}", block)
            before = wide
        self._sides = sides

    def forward(self, styles: Tensor, noise: Noise = "const") -> Tensor:
        """``styles`` N x rows x w. A block's last style is the first of the next block's."""
        x: Tensor | None = None
        picture: Tensor | None = None
        first = 0
        for side in self._sides:
            block: Block = getattr(self, f"b{side}")
            rows = styles[:, first : first + block.convolutions + 1]
            x, picture = block(x, picture, rows, noise)
            first += block.convolutions
        assert picture is not None
        return picture
