"""The U2NETP network and its blocks.

Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern Recognition 106,
2020, sections 3.1 (residual U-block, RSU) and 3.2 (the whole net); the small model has 16 channels inside every block
and 64 between blocks. Batch norm is folded into the convolutions, as in the published ONNX file. Modules are made in
the order in which that file's graph uses them: models/u2netp/checkpoint.py relies on it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INNER = 16
OUTER = 64
KINDS = ((7, True), (6, True), (5, True), (4, True), (4, False), (4, False))  # height of each level's block, pooled


class Conv(nn.Module):
    """3 x 3 convolution that keeps the size, then ReLU."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x))


def halve(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2, stride=2, ceil_mode=True)


def resize_like(x: Tensor, target: Tensor) -> Tensor:
    return F.interpolate(x, size=target.shape[2:], mode="bilinear", align_corners=False)


class ResidualU(nn.Module):
    """An RSU block: a small U-net over its own first convolution, added to it.

    ``height`` counts the levels (7 to 4). A block that is not ``pooled`` (RSU-4F) keeps one resolution and widens its
    dilation instead, for maps that are already small.
    """

    def __init__(self, inputs: int, height: int, pooled: bool = True) -> None:
        super().__init__()
        self.pooled = pooled
        self.enter = Conv(inputs, OUTER)
        downs = [Conv(OUTER, INNER)]
        downs += [Conv(INNER, INNER, 1 if pooled else 2**level) for level in range(1, height - 1)]
        self.down = nn.ModuleList(downs)
        self.bottom = Conv(INNER, INNER, 2 if pooled else 2 ** (height - 1))
        ups = [Conv(2 * INNER, INNER, 1 if pooled else 2**level) for level in range(height - 2, 0, -1)]
        self.up = nn.ModuleList([*ups, Conv(2 * INNER, OUTER)])

    def forward(self, x: Tensor) -> Tensor:
        entered = self.enter(x)
        skips: list[Tensor] = []
        x = entered
        for level, conv in enumerate(self.down):
            x = conv(halve(x) if self.pooled and level else x)
            skips.append(x)
        x = self.bottom(x)
        for conv in self.up:
            skip = skips.pop()
            x = conv(torch.cat((resize_like(x, skip), skip), dim=1))
        return x + entered


class U2NetP(nn.Module):
    """The whole net: six RSU blocks down, five up, one saliency map from each of the upper six, and their fusion."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(
            ResidualU(OUTER if level else 3, height, pooled) for level, (height, pooled) in enumerate(KINDS)
        )
        self.decoder = nn.ModuleList(ResidualU(2 * OUTER, height, pooled) for height, pooled in reversed(KINDS[:-1]))
        self.sides = nn.ModuleList(nn.Conv2d(OUTER, 1, 3, padding=1) for _ in KINDS)
        self.fuse = nn.Conv2d(len(KINDS), 1, 1)

    def encode(self, x: Tensor) -> list[Tensor]:
        """``x`` float, N x 3 x H x W (normalised as its model says) -> features N x 64 of each level, finest first."""
        features: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            x = block(halve(x) if level else x)
            features.append(x)
        return features

    def decode(self, features: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Logits N x 1 x H x W, and those of each level's own map at the finest size, finest level first."""
        maps = [features[-1]]
        for block, skip in zip(self.decoder, reversed(features[:-1]), strict=True):
            maps.append(block(torch.cat((resize_like(maps[-1], skip), skip), dim=1)))
        sides = [side(found) for side, found in zip(self.sides, reversed(maps), strict=True)]
        sides = [resize_like(side, sides[0]) for side in sides]
        return self.fuse(torch.cat(sides, dim=1)), sides

    def forward(self, x: Tensor) -> Tensor:
        """Saliency N x 1 x H x W, 0 to 1."""
        return torch.sigmoid(self.decode(self.encode(x))[0])
