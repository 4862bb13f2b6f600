"""How different two pictures look (LPIPS, Zhang and others 2018) by the features of VGG-16, whose weights the user
gives: they are not ours to ship."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.hub.foreign import read_checkpoint

# Channels of VGG-16's convolutions, in five groups (Simonyan and Zisserman 2015, configuration D).
_GROUPS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
# What pictures of -1 to 1 are shifted and scaled by: the mean and spread of the photos that VGG-16 learned from.
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_EPSILON = 1e-20


class Perceptual(nn.Module):
    """``forward`` gives N: how different pictures N x 3 x H x W of -1 to 1, from 16 pixels a side, look. It learns
    nothing."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        before = 3
        self.groups = nn.ModuleList()
        for channels in _GROUPS:
            layers: list[nn.Module] = []
            for wide in channels:
                layers += [nn.Conv2d(before, wide, 3, padding=1), nn.ReLU()]
                before = wide
            self.groups.append(nn.Sequential(*layers))
        self.weights = nn.ParameterList([torch.zeros(channels[-1]) for channels in _GROUPS])
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1))
        self.requires_grad_(False)

    @classmethod
    def read(cls, network: Path, weights: Path) -> Perceptual:
        """VGG-16 as torchvision publishes it, and how much its channels count as LPIPS does ("lin0" to "lin4").

        ValueError naming what is missing or of another shape, ProblemError (BAD_INPUT) for a file that cannot be read.
        """
        made = cls()
        vgg, counted = read_checkpoint(network), read_checkpoint(weights)
        theirs = [name for name, each in vgg.items() if name.endswith(".weight") and each.ndim == 4]
        ours = [layer for layer in made.groups.modules() if isinstance(layer, nn.Conv2d)]
        if len(theirs) != len(ours):
            raise ValueError(f"{network.name} has {len(theirs)} convolutions where VGG-16 has {len(ours)}")
        for name, layer in zip(theirs, ours, strict=True):
            assert layer.bias is not None
            _take(layer.weight, vgg, name, network)
            _take(layer.bias, vgg, name.replace(".weight", ".bias"), network)
        for number, each in enumerate(made.weights):
            name = next((name for name in counted if name.startswith(f"lin{number}.")), f"lin{number}")
            _take(each, counted, name, weights)
        return made

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        x, y = ((each - self.shift) / self.scale for each in (one, other))
        total = torch.zeros(len(one), device=one.device)
        for number, (group, weights) in enumerate(zip(self.groups, self.weights, strict=True)):
            if number:
                x, y = functional.max_pool2d(x, 2), functional.max_pool2d(y, 2)
            x, y = group(x), group(y)
            apart = (_unit(x) - _unit(y)).square() * weights.view(1, -1, 1, 1)
            total = total + apart.sum(dim=1).mean(dim=(1, 2))
        return total


def _unit(x: Tensor) -> Tensor:
    """Each pixel's features at length 1, or 0 where there are none."""
    return x * (x.square().sum(dim=1, keepdim=True) + _EPSILON).rsqrt()


def _take(weight: Tensor, theirs: dict[str, Tensor], name: str, path: Path) -> None:
    if name not in theirs or theirs[name].numel() != weight.numel():
        raise ValueError(f"“{name}” in {path.name} is missing or has another shape")
    weight.copy_(theirs[name].view_as(weight))
