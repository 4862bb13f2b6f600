"""Regions grown from clicks along smooth colours, and how well a region's outline sits on edges."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.graph import MCP_Geometric

from backend.imaging.masks import outline, without_small_holes

_FLOOR = 0.02  # cost of a step over a flat surface, in strong edges: far on one surface is still nearer than an edge
_AREAS = np.geomspace(0.004, 0.5, 14)  # of the picture
_FILLED = 0.3  # holes up to this share of a grown region belong to it


class EdgeMap:
    """How strongly colours change at each pixel of a small picture (uint8 H x W x 3)."""

    def __init__(self, image: np.ndarray) -> None:
        lab = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 1.2), cv2.COLOR_RGB2LAB).astype(np.float32)
        across, down = cv2.Sobel(lab, cv2.CV_32F, 1, 0), cv2.Sobel(lab, cv2.CV_32F, 0, 1)
        strength = np.sqrt((across**2 + down**2).sum(axis=2))
        # Relative to the picture's own edges, so that a faint picture is judged like a strong one.
        self.strength = strength / (float(np.percentile(strength, 90)) + 1)
        self._near = cv2.dilate(self.strength, np.ones((3, 3)))

    def fit(self, mask: np.ndarray) -> float:
        """How plausible ``mask`` (bool H x W) is as one object: the median edge strength on its outline, less its share
        of the picture, as large regions have strong outlines by chance. -inf for a mask with no outline inside."""
        edge = outline(mask)
        edge[[0, -1]] = False
        edge[:, [0, -1]] = False
        return float(np.median(self._near[edge])) - float(mask.mean()) if edge.any() else -np.inf

    def distances(self, pixels: np.ndarray) -> np.ndarray:
        """Length of the cheapest path from any of ``pixels`` (int N x 2: x, y) to each pixel, edges being dear."""
        walk = MCP_Geometric(_FLOOR + self.strength)
        return walk.find_costs([(int(y), int(x)) for x, y in pixels])[0]


def grown(edges: EdgeMap, pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """The best region around ``pixels`` (int N x 2: x, y) of all that grow from them: mask and its `fit`."""
    far = edges.distances(pixels)
    limits = np.quantile(far, _AREAS)
    masks = [without_small_holes(far <= limit, _FILLED) for limit in limits]
    fits = [edges.fit(mask) for mask in masks]
    best = int(np.argmax(fits))
    return masks[best], fits[best]
