"""Operations on bool H x W masks."""

from __future__ import annotations

import cv2
import numpy as np


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two masks; 1 when both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 8-connected parts: int32 H x W labels (0 outside) and the area of each label, outside included."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return labels, stats[:count, cv2.CC_STAT_AREA]


def touched(mask: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """The parts of ``mask`` in which one of ``pixels`` (int N x 2: x, y) lies."""
    labels, _ = components(mask)
    chosen = np.unique(labels[pixels[:, 1], pixels[:, 0]])
    return np.isin(labels, chosen[chosen > 0])


def without_specks(mask: np.ndarray, fraction: float) -> np.ndarray:
    """``mask`` without the parts smaller than ``fraction`` of its largest part."""
    labels, areas = components(mask)
    if len(areas) < 2:
        return mask
    kept = areas >= fraction * areas[1:].max()
    kept[0] = False
    return kept[labels]


def without_small_holes(mask: np.ndarray, fraction: float) -> np.ndarray:
    """``mask`` with holes smaller than ``fraction`` of its area filled."""
    labels, areas = components(~mask)
    small = areas < fraction * np.count_nonzero(mask)
    small[0] = False
    return mask | small[labels]


def disc(size: tuple[int, int], x: float, y: float, radius: float) -> np.ndarray:
    """A mask of ``size`` (height, width): the pixels whose centres are within ``radius`` of (x, y)."""
    rows, columns = np.ogrid[: size[0], : size[1]]
    return (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 <= radius**2


def dilated(mask: np.ndarray, radius: int) -> np.ndarray:
    """``mask`` grown by ``radius`` pixels in every direction."""
    return cv2.dilate(mask.astype(np.uint8), _round(radius)).astype(bool)


def eroded(mask: np.ndarray, radius: int) -> np.ndarray:
    """``mask`` shrunk by ``radius`` pixels; the picture's border does not count as outside."""
    return cv2.erode(mask.astype(np.uint8), _round(radius)).astype(bool)


def opened(mask: np.ndarray, radius: float) -> np.ndarray:
    """``mask`` without what is narrower than twice ``radius`` pixels, at the same cost for every radius."""
    kept = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) > radius
    return mask & _within(kept, radius)


def closed(mask: np.ndarray, radius: float) -> np.ndarray:
    """``mask`` with its gaps and bays that are narrower than twice ``radius`` pixels."""
    grown = _within(mask, radius)
    return mask | (cv2.distanceTransform(grown.astype(np.uint8), cv2.DIST_L2, 5) > radius)


def _within(mask: np.ndarray, radius: float) -> np.ndarray:
    """What is at most ``radius`` pixels away from ``mask``."""
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= radius


def _round(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def outline(mask: np.ndarray) -> np.ndarray:
    """The pixels of ``mask`` that touch its outside."""
    return mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


def soft_edged(mask: np.ndarray) -> np.ndarray:
    """float32 H x W: an alpha whose edge is soft by a pixel to both sides, half and more inside of ``mask``."""
    blurred = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
    return np.where(mask, np.maximum(blurred, 0.5), np.minimum(blurred, 0.49))
