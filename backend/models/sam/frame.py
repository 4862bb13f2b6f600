"""From a picture's pixels to the square that the network sees, and masks back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image as Picture
from torch.nn.functional import interpolate


@dataclass(frozen=True)
class Frame:
    """A picture of ``size`` (height, width) lies, as ``inner`` (height, width) pixels, in the upper left of a square
    of ``side`` pixels."""

    size: tuple[int, int]
    inner: tuple[int, int]
    side: int

    @classmethod
    def around(cls, size: tuple[int, int], side: int, keeps_shape: bool) -> Frame:
        """Scaled so that the longer edge is ``side``, or, without ``keeps_shape``, squashed to the whole square."""
        if not keeps_shape:
            return cls(size, (side, side), side)
        scale = side / max(size)
        height, width = (max(1, int(edge * scale + 0.5)) for edge in size)
        return cls(size, (height, width), side)

    def prepared(self, image: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
        """uint8 H x W x 3 -> float32 1 x 3 x side x side: scaled linearly with smoothing, normalised, then padded
        with zeros, as the networks were trained."""
        height, width = self.inner
        small = np.asarray(Picture.fromarray(image).resize((width, height), Picture.Resampling.BILINEAR), np.float32)
        normal = (small / 255 - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
        square = np.zeros((1, 3, self.side, self.side), np.float32)
        square[0, :, :height, :width] = normal.transpose(2, 0, 1)
        return square

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Pixels (x, y) of the picture, N x 2 -> float32 N x 2 in the square."""
        scale = (self.inner[1] / self.size[1], self.inner[0] / self.size[0])
        return np.asarray(points, np.float64).reshape(-1, 2).astype(np.float32) * np.asarray(scale, np.float32)

    def enlarged(self, logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """Logits of the square, float32 N x h x w -> N x height x width of the picture alone at ``size``."""
        found = logits[:, None]
        if self.inner != (self.side, self.side):
            whole = interpolate(found, (self.side, self.side), mode="bilinear", align_corners=False)
            found = whole[..., : self.inner[0], : self.inner[1]]
        return interpolate(found, size, mode="bilinear", align_corners=False)[:, 0]
