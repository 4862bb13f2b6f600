"""Style codes that say which colour each part has: those of the small networks of ours, which learned from objects
whose colours are known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

_GREY = 0.5


def style_of(part_colours: Tensor) -> Tensor:
    """N x z: the code of colours N x labels x 3 (0 to 1; not a number where unknown, then grey). The background has
    none; a 1 behind them keeps their size through the normalisation that codes go through."""
    colours = torch.nan_to_num(part_colours[:, 1:], _GREY) * 2 - 1
    return functional.pad(colours.flatten(1), (0, 1), value=1.0)


def seen_colours(image: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """float32 count x 3 (0 to 1): the mean colour of each label's pixels (uint8 H x W x 3 and ids H x W); not a number
    where there are none."""
    found = np.full((count, 3), np.nan, np.float32)
    for label in range(count):
        at = labels == label
        if at.any():
            found[label] = image[at].mean(axis=0) / 255
    return found
