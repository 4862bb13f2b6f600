"""Pictures with transparency laid on white."""

from __future__ import annotations

import numpy as np


def on_white(rgba: np.ndarray) -> np.ndarray:
    """uint8 H x W x 3: a straight-alpha picture (uint8 H x W x 4) laid on white."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
