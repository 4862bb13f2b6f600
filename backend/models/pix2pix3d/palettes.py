"""Style codes that say which colour each part has: those of the small networks of ours, which learned from objects
whose colours are known."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_GREY = 0.5


def style_of(part_colours: Tensor) -> Tensor:
    """N x z: the code of colours N x labels x 3 (0 to 1; not a number where unknown, then grey). The background has
    none; a 1 behind them keeps their size through the normalisation that codes go through."""
    colours = torch.nan_to_num(part_colours[:, 1:], _GREY) * 2 - 1
    return functional.pad(colours.flatten(1), (0, 1), value=1.0)
