"""Boxes of whole pixels inside a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Box:
    """Columns ``x0`` to ``x1`` and rows ``y0`` to ``y1``, both ends as in a Python slice."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing an H x W array."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def grown(self, margin: float, size: tuple[int, int]) -> Box:
        """Wider by ``margin`` pixels on every side, clipped to a picture of ``size`` (height, width)."""
        return box_within((self.x0 - margin, self.y0 - margin, self.x1 + margin, self.y1 + margin), size)

    def scaled(self, size: tuple[int, int], target: tuple[int, int]) -> Box:
        """The box of a picture of ``size`` (height, width) in its copy of size ``target``: one pixel at least."""
        down, across = target[0] / size[0], target[1] / size[1]
        x0 = min(round(self.x0 * across), target[1] - 1)
        y0 = min(round(self.y0 * down), target[0] - 1)
        return Box(x0, y0, max(round(self.x1 * across), x0 + 1), max(round(self.y1 * down), y0 + 1))

    def within(self, other: Box) -> Box:
        """The same pixels counted from the corner of ``other``."""
        return Box(self.x0 - other.x0, self.y0 - other.y0, self.x1 - other.x0, self.y1 - other.y0)


def box_within(edges: tuple[float, float, float, float], size: tuple[int, int]) -> Box:
    """The pixels that ``edges`` (x0, y0, x1, y1) touch in a picture of ``size`` (height, width)."""
    height, width = size
    x0, y0, x1, y1 = edges
    return Box(
        min(max(math.floor(x0), 0), width),
        min(max(math.floor(y0), 0), height),
        min(max(math.ceil(x1), 0), width),
        min(max(math.ceil(y1), 0), height),
    )


def whole(size: tuple[int, int]) -> Box:
    """All of a picture of ``size`` (height, width)."""
    return Box(0, 0, size[1], size[0])


def box_of(mask: np.ndarray) -> Box:
    """The smallest box around a bool H x W mask with something in it."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
