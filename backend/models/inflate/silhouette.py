"""A mask as a smooth closed outline: sub-pixel contours and the signed distance to them on a square grid.

Lengths are in units of ``side``, the longer side of the outline's bounding box, with the box's centre at 0, x to the
right and y up, so the outline spans -0.5 to 0.5 along its longer axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import KDTree
from skimage.measure import find_contours

from protocol.problems import ErrorCode, ProblemError

PAD_CELLS = 3  # empty cells around the outline, so that every surface closes inside the grid
_SPECK = 0.004  # components and holes below this share of the largest component are noise of the mask
_MIN_PIXELS = 16
_BLUR = 0.8  # pixels; what rounds off the pixels' corners before the outline is traced
_SMOOTH = 2.0  # pixels along the outline; what irons out the steps of nearly straight edges


@dataclass(frozen=True)
class Silhouette:
    """``distance`` float32 n x n: signed distance to the outline, positive inside, row 0 at the bottom (lowest y).

    ``centre`` (x, y) and ``side`` place the unit square in the picture, in pixels with (0, 0) at the outer corner of
    the first pixel. ``cells`` is the number of grid cells along the unit side, ``loops`` the outline's closed
    polygons, each float64 k x 2 (x, y).
    """

    distance: np.ndarray
    loops: list[np.ndarray]
    centre: tuple[float, float]
    side: float
    cells: int


def grid_axis(cells: int) -> np.ndarray:
    """float32, cells + 2 * PAD_CELLS + 1: node coordinates of the grid, 0 at its centre."""
    return ((np.arange(cells + 2 * PAD_CELLS + 1) - PAD_CELLS) / cells - 0.5).astype(np.float32)


def trace(mask: np.ndarray, cells: int) -> Silhouette:
    """The outline of ``mask`` (bool, H x W) on a grid of ``cells`` cells along its longer side.

    Specks and pinholes are dropped; larger holes and separate parts stay. Raises ProblemError (BAD_INPUT) for a mask
    with fewer than 16 pixels in one piece.
    """
    mask = _without_specks(mask)
    loops = _outline(mask, cells)
    points = np.concatenate(loops)
    low, high = points.min(axis=0), points.max(axis=0)
    centre, side = (low + high) / 2, float((high - low).max())
    loops = [(loop - centre) / side * (1, -1) for loop in loops]
    return Silhouette(_signed_distance(loops, cells), loops, (float(centre[0]), float(centre[1])), side, cells)


def _too_small() -> ProblemError:
    return ProblemError(
        ErrorCode.BAD_INPUT,
        "The object's mask is empty or only a few pixels large.",
        f"Point at the object again, or give a mask with at least {_MIN_PIXELS} pixels in one piece.",
    )


def _without_specks(mask: np.ndarray) -> np.ndarray:
    parts, areas = _parts(mask, 8)
    largest = int(areas.max(initial=0))
    if largest < _MIN_PIXELS:
        raise _too_small()
    keep = areas >= max(_MIN_PIXELS, _SPECK * largest)
    mask = np.concatenate([[False], keep])[parts]
    gaps, areas = _parts(np.pad(~mask, 1, constant_values=True), 4)
    pinhole = areas < max(4, _SPECK / 4 * largest)
    return mask | np.concatenate([[False], pinhole])[gaps][1:-1, 1:-1]


def _parts(mask: np.ndarray, connectivity: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (0 outside, parts from 1) and the area of each part."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    return labels, stats[1:, cv2.CC_STAT_AREA]


def _outline(mask: np.ndarray, cells: int) -> list[np.ndarray]:
    """Closed polygons (x, y) in pixels of the picture, about two points a grid cell."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    coverage = mask[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.float32)
    scale = 2.0 * cells / max(coverage.shape)
    margin = int(np.ceil(8 * max(1.0, 1 / scale)))
    coverage = np.pad(coverage, margin)
    height, width = coverage.shape
    size = (round(width * scale), round(height * scale))
    if scale < 1:
        coverage = cv2.resize(coverage, size, interpolation=cv2.INTER_AREA)
        coverage = cv2.GaussianBlur(coverage, (0, 0), _BLUR)
    else:
        coverage = cv2.GaussianBlur(coverage, (0, 0), _BLUR)
        coverage = cv2.resize(coverage, size, interpolation=cv2.INTER_CUBIC)
    loops = [loop for loop in find_contours(coverage, 0.5) if len(loop) > 4]
    if not loops:
        raise _too_small()
    sigma = _SMOOTH * max(1.0, scale)
    # find_contours gives (row, column) of pixel centres; half a pixel turns them into corner coordinates.
    grain = np.array([size[0] / width, size[1] / height])
    origin = np.array([left, top]) - margin
    return [_ironed(loop[:-1, ::-1] + 0.5, sigma) / grain + origin for loop in loops]


def _ironed(loop: np.ndarray, sigma: float) -> np.ndarray:
    """A closed polygon smoothed along itself; the second pass gives back what the first one shrank (Taubin 1995)."""
    sigma = min(sigma, len(loop) / 16)
    once = gaussian_filter1d(loop, sigma, axis=0, mode="wrap")
    return once + (once - gaussian_filter1d(once, sigma, axis=0, mode="wrap"))


def _signed_distance(loops: list[np.ndarray], cells: int) -> np.ndarray:
    """float32 n x n: distance of every grid node to the polygons' nearest edge, positive inside."""
    axis = grid_axis(cells)
    nodes = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    points = np.concatenate(loops)
    _, nearest = KDTree(points).query(nodes)
    squared = np.full(len(nodes), np.inf)
    for shift in (-1, 1):
        neighbour = np.concatenate([np.roll(loop, shift, axis=0) for loop in loops])[nearest]
        start = points[nearest]
        edge = neighbour - start
        along = ((nodes - start) * edge).sum(axis=1) / np.maximum((edge**2).sum(axis=1), 1e-20)
        offset = nodes - start - np.clip(along, 0, 1)[:, None] * edge
        squared = np.minimum(squared, (offset**2).sum(axis=1))
    distance = np.sqrt(squared).reshape(len(axis), len(axis))
    return np.where(_inside(loops, cells), distance, -distance).astype(np.float32)


def _inside(loops: list[np.ndarray], cells: int) -> np.ndarray:
    """bool n x n: grid nodes inside the polygons (even-odd), by counting crossings along every row."""
    axis = grid_axis(cells)
    crossings = np.zeros((len(axis), len(axis) + 1), np.int32)
    for loop in loops:
        start, end = loop, np.roll(loop, -1, axis=0)
        low = np.searchsorted(axis, np.minimum(start[:, 1], end[:, 1]), side="right")
        high = np.searchsorted(axis, np.maximum(start[:, 1], end[:, 1]), side="right")
        counts = high - low
        edges = np.repeat(np.arange(len(loop)), counts)
        first = np.repeat(np.cumsum(counts) - counts, counts)
        rows = np.repeat(low, counts) + np.arange(len(edges)) - first
        slope = (end - start)[edges]
        x = start[edges, 0] + (axis[rows] - start[edges, 1]) / slope[:, 1] * slope[:, 0]
        np.add.at(crossings, (rows, np.searchsorted(axis, x)), 1)
    return (np.cumsum(crossings, axis=1)[:, :-1] % 2).astype(bool)
