"""Prompts as pictures: what the network is told about the crop it sees."""

from __future__ import annotations

import cv2
import numpy as np

RADIUS = 0.022  # of a point's disc, of the crop's side


def prompt_maps(
    side: int, points: np.ndarray, box: tuple[float, float, float, float] | None, last: np.ndarray | None
) -> np.ndarray:
    """float32 5 x ``side`` x ``side``: discs at positive and negative ``points`` (float N x 3: x, y in 0..1 of the
    crop, label 1 or 0), the inside of ``box`` (x0, y0, x1, y1 in 0..1), the ``last`` mask (float32 side x side, 0 to
    1), and ones where there is one."""
    maps = np.zeros((5, side, side), np.float32)
    for x, y, label in points:
        centre = round(float(x) * side * 16 - 8), round(float(y) * side * 16 - 8)
        cv2.circle(maps[0 if label > 0 else 1], centre, round(RADIUS * side * 16), 1.0, -1, cv2.LINE_AA, 4)
    if box is not None:
        x0, y0, x1, y1 = (round(each * side) for each in box)
        maps[2, max(0, y0) : y1, max(0, x0) : x1] = 1
    if last is not None:
        maps[3], maps[4] = last, 1
    return maps
