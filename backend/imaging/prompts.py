"""Prompts (points and boxes in pixels), checked against the picture that they point at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.imaging.boxes import Box, box_within
from protocol.problems import ErrorCode, ProblemError

MIN_SIDE = 4


@dataclass(frozen=True)
class Prompt:
    """``positive`` and ``negative``: int N x 2, the pixels (x, y) clicked on the object and off it; ``box`` or None."""

    positive: np.ndarray
    negative: np.ndarray
    box: Box | None

    @property
    def empty(self) -> bool:
        return not len(self.positive) and not len(self.negative) and self.box is None


def _reject(message: str, hint: str) -> ProblemError:
    return ProblemError(ErrorCode.BAD_PARAMETER, message, hint)


def read_prompt(points: Sequence[Sequence[float]], box: Sequence[float] | None, size: tuple[int, int]) -> Prompt:
    """``points`` [x, y, label] and ``box`` [x0, y0, x1, y1] for a picture of ``size`` (height, width).

    A box that reaches over the picture's edge is cut there. ProblemError (BAD_PARAMETER): a point outside the picture,
    a box outside it or under 4 pixels, a point on the object outside the box, only points off the object.
    """
    height, width = size
    extent = f"Allowed: 0 to {width} across and 0 to {height} down."
    for x, y, _ in points:
        if not (0 <= x <= width and 0 <= y <= height):
            raise _reject(f"The point ({x:g}, {y:g}) is outside the picture.", extent)
    placed = [
        [(min(int(x), width - 1), min(int(y), height - 1)) for x, y, label in points if label == wanted]
        for wanted in (1, 0)
    ]
    positive, negative = (np.array(group, int).reshape(-1, 2) for group in placed)
    clash = {tuple(p) for p in positive.tolist()} & {tuple(p) for p in negative.tolist()}
    if clash:
        x, y = min(clash)
        raise _reject(f"The pixel ({x}, {y}) is marked both on and off the object.", "Remove one of the two points.")
    if box is None:
        if len(negative) and not len(positive):
            raise _reject("All points are off the object.", "Add a point on the object, or a box around it.")
        return Prompt(positive, negative, None)
    clipped = box_within((box[0], box[1], box[2], box[3]), size)
    if clipped.width <= 0 or clipped.height <= 0:
        raise _reject("The box is outside the picture.", extent)
    if min(clipped.width, clipped.height) < MIN_SIDE:
        raise _reject(
            f"The box is {clipped.width} x {clipped.height} pixels.", f"Draw one of at least {MIN_SIDE} x {MIN_SIDE}."
        )
    for x, y in positive.tolist():
        if not (clipped.x0 <= x < clipped.x1 and clipped.y0 <= y < clipped.y1):
            raise _reject(
                f"The point ({x}, {y}) on the object is outside the box.", "Widen the box or remove the point."
            )
    return Prompt(positive, negative, clipped)
