"""Pictures into the network and out of it, to the pixel as the authors' demo does."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from backend.models.pix2gestalt.config import WHITE

# The authors hand RGB to a conversion that expects BGR, so red counts least; the released figures were made so.
_GREY = cv2.COLOR_BGR2GRAY


def squashed(picture: np.ndarray, side: int) -> np.ndarray:
    """uint8 H x W (x 3) -> uint8 side x side (x 3), whatever its shape was."""
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def squashed_points(points: np.ndarray, size: tuple[int, int], side: int) -> np.ndarray:
    """int N x 2 (x, y) in a picture of ``size`` (height, width) -> the pixels they fall on after ``squashed``."""
    height, width = size
    return np.stack([points[:, 0] * side / width, points[:, 1] * side / height], axis=1).astype(np.int64)


def to_network(picture: np.ndarray) -> Tensor:
    """uint8 H x W x 3, or a mask H x W of 0 and 255 -> float32 1 x 3 x H x W in -1 to 1."""
    three = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    return torch.from_numpy(three.astype(np.float32) / 255 * 2 - 1).permute(2, 0, 1)[None]


def from_network(pictures: Tensor) -> np.ndarray:
    """float N x 3 x H x W in 0 to 1 -> uint8 N x H x W x 3, cut off rather than rounded."""
    return (pictures.float() * 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def enlarged(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 H x W x 3 at ``size`` (height, width)."""
    return cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LANCZOS4)


def overlay(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bool at ``size`` (height, width) of a mask uint8 of 0 and 255, as shown over the picture."""
    return cv2.resize(mask, size[::-1], interpolation=cv2.INTER_AREA) > 127


def grey(picture: np.ndarray) -> np.ndarray:
    """uint8 H x W x 3 -> uint8 H x W, as the threshold sees it."""
    return cv2.cvtColor(picture, _GREY)


def not_white(picture: np.ndarray, white: int = WHITE) -> np.ndarray:
    """bool H x W: the amodal mask of a completion on white (uint8 H x W x 3), by threshold."""
    return grey(picture) <= white
