"""The outline of a mask as smooth closed curves, with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_SIDE = 1024
MIN_EDGES = 24
SMOOTHING = 7


@dataclass(frozen=True)
class Curve:
    """``points`` float32 N x 2 (x, y) in picture pixels; ``closed`` joins the last to the first."""

    points: np.ndarray
    closed: bool


def reduced(inside: np.ndarray, max_side: int = MAX_SIDE) -> tuple[np.ndarray, int]:
    """``inside`` (bool H x W) by a whole step so that no side exceeds ``max_side``, and the step."""
    step = max(1, -(-max(inside.shape) // max_side))
    return inside[::step, ::step], step


def outlines(inside: np.ndarray) -> list[Curve]:
    """The closed outlines of ``inside`` (bool H x W); specks are left out."""
    small, step = reduced(inside)
    return [Curve(_smooth(points, True) * step, True) for points, _ in _loops(small)]


def hidden_outlines(whole: np.ndarray, visible: np.ndarray) -> list[Curve]:
    """The parts of the outline of ``whole`` that do not border on ``visible`` (both bool H x W)."""
    small, step = reduced(whole)
    # Where two models' edges merely differ by a few pixels nothing is hidden.
    seen = _grown(visible[::step, ::step], max(2, max(small.shape) // 100))
    curves: list[Curve] = []
    for points, pixels in _loops(small):
        hidden = ~seen[pixels[:, 0], pixels[:, 1]]
        # A jagged mask edge makes runs of a few pixels, which would be dust and not a dashed line.
        hidden = np.convolve(np.pad(hidden, 4, mode="wrap"), np.ones(9) / 9, "valid") > 0.5
        if hidden.all():
            curves.append(Curve(_smooth(points, True) * step, True))
        elif hidden.any():
            first = int(np.argmin(hidden))
            points, hidden = np.roll(points, -first, 0), np.roll(hidden, -first)
            edges = np.flatnonzero(np.diff(np.concatenate([[0], hidden.astype(np.int8), [0]])))
            for start, end in edges.reshape(-1, 2):
                if end - start >= MIN_EDGES // 2:
                    curves.append(Curve(_smooth(points[start:end], False) * step, False))
    return curves


def _grown(inside: np.ndarray, reach: int) -> np.ndarray:
    grown = inside.copy()
    for axis in (0, 1):
        base = np.moveaxis(grown, axis, 0)
        wider = base.copy()
        for step in range(1, reach + 1):
            wider[step:] |= base[:-step]
            wider[:-step] |= base[step:]
        grown = np.moveaxis(wider, 0, axis)
    return grown


def _smooth(points: np.ndarray, closed: bool) -> np.ndarray:
    size = min(SMOOTHING, len(points) // 2 * 2 - 1)
    kernel = np.hanning(size + 2)[1:-1]
    kernel /= kernel.sum()
    padded = np.pad(points, ((size // 2, size // 2), (0, 0)), mode="wrap" if closed else "edge")
    smooth = np.stack([np.convolve(padded[:, i], kernel, "valid") for i in range(2)], 1)
    return np.ascontiguousarray(smooth[::2] if len(smooth) > 32 else smooth, np.float32)


def _loops(inside: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each closed loop of pixel edges: the edges' middles (N x 2, x y) and the inside pixels they border (y x)."""
    height, width = inside.shape
    padded = np.pad(inside, 1)
    starts, ends, middles, pixels = [], [], [], []
    # Each side of a pixel: the neighbour across it, and the corners it runs between, clockwise.
    for dy, dx, (ax, ay), (bx, by) in (
        (-1, 0, (0, 0), (1, 0)),
        (0, 1, (1, 0), (1, 1)),
        (1, 0, (1, 1), (0, 1)),
        (0, -1, (0, 1), (0, 0)),
    ):
        neighbour = padded[1 + dy : height + 1 + dy, 1 + dx : width + 1 + dx]
        y, x = np.nonzero(inside & ~neighbour)
        starts.append((y + ay) * (width + 1) + x + ax)
        ends.append((y + by) * (width + 1) + x + bx)
        middles.append(np.stack([x + (ax + bx) / 2, y + (ay + by) / 2], 1))
        pixels.append(np.stack([y, x], 1))
    start, end = np.concatenate(starts), np.concatenate(ends)
    middle, pixel = np.concatenate(middles), np.concatenate(pixels)
    # As many edges begin at each corner as end there, so matching the two sorted lists joins all edges to loops.
    successor = np.empty(len(start), np.int64)
    successor[np.argsort(end, kind="stable")] = np.argsort(start, kind="stable")
    following = successor.tolist()
    done = bytearray(len(following))
    loops: list[tuple[np.ndarray, np.ndarray]] = []
    for first in range(len(following)):
        if done[first]:
            continue
        loop, at = [], first
        while not done[at]:
            done[at] = 1
            loop.append(at)
            at = following[at]
        if len(loop) >= MIN_EDGES:
            loops.append((middle[loop], pixel[loop]))
    return loops
