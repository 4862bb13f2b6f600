"""Line drawings as pix2pix3D's networks are trained on them: how much ink lies where."""

from __future__ import annotations

import cv2
import numpy as np


def ink_of(grey: np.ndarray, size: tuple[int, int], blurred: bool = True) -> np.ndarray:
    """uint8 ``size`` (height, width), 0 paper to 255 ink, of a drawing uint8 H x W that is dark on light: inverted,
    ``blurred`` by a 3 x 3 box at its own size, then the nearest pixels."""
    ink = 255 - grey
    if blurred:
        ink = cv2.blur(ink, (3, 3))
    return ink if ink.shape == size else cv2.resize(ink, size[::-1], interpolation=cv2.INTER_NEAREST)
