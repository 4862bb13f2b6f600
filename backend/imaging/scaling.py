"""Working on a smaller copy of a picture, and bringing a mask back along the picture's edges."""

from __future__ import annotations

import cv2
import numpy as np


def resized(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``array`` (H x W or H x W x C) at ``size`` (height, width); averaged when it shrinks, linear when it grows."""
    height, width = array.shape[:2]
    if (height, width) == size:
        return array
    way = cv2.INTER_AREA if size[0] * size[1] < height * width else cv2.INTER_LINEAR
    return cv2.resize(array, (size[1], size[0]), interpolation=way)


def size_limited(size: tuple[int, int], side: int) -> tuple[int, int]:
    """``size`` (height, width) scaled down so that neither exceeds ``side``."""
    factor = min(1.0, side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def guided_enlargement(values: np.ndarray, guide: np.ndarray, radius: int = 3, softness: float = 2e-4) -> np.ndarray:
    """``values`` (float32 h x w, 0 to 1) at the size of ``guide`` (uint8 H x W x 3), its edges moved onto the guide's.

    He and Sun, "Fast Guided Filter", 2015, algorithm 2 with a colour guide: the local linear model values = a . guide
    + b is fitted in windows of ``radius`` at the size of ``values`` and applied at full size. ``softness`` is the
    regulariser, for colours from 0 to 1. Result float32 H x W, 0 to 1.
    """
    small = resized(guide, values.shape).astype(np.float32) / 255

    def mean(array: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(array, -1, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    centre = mean(small)
    level = mean(values)
    products = mean((small[..., :, None] * small[..., None, :]).reshape(*values.shape, 9)).reshape(*values.shape, 3, 3)
    spread = products - centre[..., :, None] * centre[..., None, :] + softness * np.eye(3, dtype=np.float32)
    covariance = mean(small * values[..., None]) - centre * level[..., None]
    slope = np.linalg.solve(spread, covariance[..., None])[..., 0]
    offset = level - np.sum(slope * centre, axis=-1)
    slope, offset = (resized(mean(part), guide.shape[:2]) for part in (slope, offset))
    fitted = np.einsum("hwc,hwc->hw", slope, guide, dtype=np.float32) / 255 + offset
    return np.clip(fitted, 0, 1).astype(np.float32)
