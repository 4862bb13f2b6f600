"""Where a person would click: the middle of what is meant, then the middle of the largest error."""

from __future__ import annotations

import cv2
import numpy as np

Random = np.random.Generator


def middle(area: np.ndarray) -> tuple[int, int]:
    """x, y of the pixel of ``area`` (bool H x W, not empty) that is farthest from its border."""
    far = cv2.distanceTransform(np.pad(area.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(far.argmax()), far.shape)
    return int(x), int(y)


def next_click(found: np.ndarray, wanted: np.ndarray) -> tuple[int, int, int] | None:
    """x, y, label in the middle of the larger of the two kinds of error; None when there is none."""
    errors = [(wanted & ~found, 1), (found & ~wanted, 0)]
    far = [cv2.distanceTransform(np.pad(area.astype(np.uint8), 1), cv2.DIST_L2, 5).max() for area, _ in errors]
    area, label = errors[int(np.argmax(far))]
    return (*middle(area), label) if area.any() else None


def somewhere(random: Random, area: np.ndarray) -> tuple[int, int]:
    """x, y of a pixel of ``area``, rather inside than at its border."""
    far = cv2.distanceTransform(np.pad(area.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rows, columns = np.nonzero(area)
    weights = far[rows, columns] ** 1.5
    pick = int(random.choice(len(rows), p=weights / weights.sum()))
    return int(columns[pick]), int(rows[pick])
