"""U2NETP (Qin et al. 2020) with prompts: features come from the picture alone, so they serve every further click; what
the prompts say is added to the features of each level before the decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.nn.u2net import KINDS, OUTER, Conv, U2NetP, halve, resize_like

PROMPTS = 5  # positive points, negative points, box, last mask, whether there is a last mask
INNER = 24


class PromptedU2NetP(nn.Module):
    """``body`` is the published network; ``trunk`` and ``bring`` take the prompts to each of its levels. With the
    published weights and the rest freshly made it answers as U2NETP does, whatever the prompts."""

    def __init__(self) -> None:
        super().__init__()
        self.body = U2NetP()
        self.trunk = nn.ModuleList(
            nn.Sequential(Conv(INNER if level else PROMPTS, INNER), Conv(INNER, INNER)) for level in range(len(KINDS))
        )
        self.bring = nn.ModuleList(_silent(nn.Conv2d(INNER, OUTER, 1)) for _ in KINDS)

    def encode(self, image: Tensor) -> list[Tensor]:
        """``image`` float N x 3 x H x W, normalised -> features N x 64 of each level, finest first."""
        return self.body.encode(image)

    def decode(self, features: list[Tensor], prompts: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``prompts`` float N x 5 x H x W, 0 to 1 -> logits N x 1 x H x W, and those of each level's own map."""
        told: list[Tensor] = []
        x = prompts
        for level, (feature, trunk, bring) in enumerate(zip(features, self.trunk, self.bring, strict=True)):
            x = trunk(halve(x) if level else x)
            told.append(feature + bring(x if x.shape[2:] == feature.shape[2:] else resize_like(x, feature)))
        return self.body.decode(told)

    def forward(self, image: Tensor, prompts: Tensor) -> Tensor:
        """The probability that a pixel belongs to what is meant: N x 1 x H x W."""
        return torch.sigmoid(self.decode(self.encode(image), prompts)[0])


def _silent(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer giving zeros, until it has learned something."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
