"""Painting ids into a label map: strokes of discs with hard edges, and filling. Arrays are changed in place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

MAX_SIZE = 200


@dataclass(frozen=True)
class Rect:
    """Pixels x0 <= x < x1 and y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int


def snapped(x: float, y: float, size: int) -> tuple[float, float]:
    """The middle of a disc ``size`` pixels wide at (x, y): a pixel's middle for odd sizes, a corner for even ones, so
    that discs are the same everywhere and one pixel wide ones hit the pixel under the pointer."""
    if size % 2:
        return math.floor(x) + 0.5, math.floor(y) + 0.5
    return float(round(x)), float(round(y))


def paint_line(ids: np.ndarray, start: tuple[float, float], end: tuple[float, float], size: int, label: int) -> Rect:
    """Set ``ids`` (uint16 H x W) to ``label`` wherever a disc ``size`` pixels wide comes on its way from ``start`` to
    ``end`` (x, y in pixels, which may lie outside). Returns what may have changed; it may be empty."""
    height, width = ids.shape
    (ax, ay), (bx, by) = snapped(*start, size), snapped(*end, size)
    reach = size / 2
    x0, x1 = max(math.floor(min(ax, bx) - reach), 0), min(math.ceil(max(ax, bx) + reach), width)
    y0, y1 = max(math.floor(min(ay, by) - reach), 0), min(math.ceil(max(ay, by) + reach), height)
    if x0 >= x1 or y0 >= y1:
        return Rect(0, 0, 0, 0)
    x, y = np.arange(x0, x1)[None, :] + 0.5, np.arange(y0, y1)[:, None] + 0.5
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    along = np.clip(((x - ax) * dx + (y - ay) * dy) / length, 0, 1) if length else np.zeros((1, 1))
    away = (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2
    ids[y0:y1, x0:x1][away <= reach * reach + 1e-9] = label
    return Rect(x0, y0, x1, y1)


def fill(ids: np.ndarray, x: int, y: int, label: int) -> bool:
    """Set the area of one id around pixel (x, y), joined by edges, to ``label``; False when nothing changes."""
    height, width = ids.shape
    if not (0 <= x < width and 0 <= y < height) or ids[y, x] == label:
        return False
    same = ids == ids[y, x]
    waiting = [(x, y)]
    while waiting:
        column, row = waiting.pop()
        line = same[row]
        if not line[column]:
            continue
        stops = np.flatnonzero(~line)
        at = int(np.searchsorted(stops, column))
        first = int(stops[at - 1]) + 1 if at else 0
        last = int(stops[at]) if at < len(stops) else width
        ids[row, first:last] = label
        line[first:last] = False
        for beside in (row - 1, row + 1):
            if 0 <= beside < height:
                open_ = same[beside, first:last]
                begins = open_ & ~np.concatenate([[False], open_[:-1]])
                waiting += [(first + int(start), beside) for start in np.flatnonzero(begins)]
    return True
