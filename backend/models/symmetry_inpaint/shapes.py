"""Hypotheses of the whole shape behind a visible mask, each with how plausible it is and where its colours may come
from. All masks are bool H x W of one small working copy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from backend.imaging.masks import dilated, iou, outline, without_small_holes
from backend.models.symmetry_inpaint.ellipse import Ellipse, ellipse_through

AXIS_ANGLES = 24
MIN_AGREEMENT = 0.62  # of the visible shape that its mirror image must confirm
MIN_GROWTH = 0.015  # a hypothesis that adds less says that nothing is hidden
SAME_IOU = 0.985  # hypotheses closer than this are one to the eye

Mapping = np.ndarray  # 2 x 3 affine: where a hidden pixel finds its twin


@dataclass
class Hypothesis:
    """One possible whole: ``mask``, ``score`` 0 to 1, and affine maps from hidden pixels to their twins."""

    name: str
    mask: np.ndarray
    score: float
    twins: list[Mapping] = field(default_factory=list)


def hypotheses(visible: np.ndarray, hidden: np.ndarray, check: Callable[[], None]) -> list[Hypothesis]:
    """Distinct hypotheses, the most plausible first.

    ``hidden``: float32 H x W, 0 to 1, how likely a pixel outside ``visible`` lies behind something else (1: surely
    behind an occluder or outside the picture, 0: surely background).
    """
    found = [_nothing_hidden(visible, hidden)]
    fits = (_ellipses(visible, hidden), _boxes(visible, hidden), _hulls(visible, hidden))
    for candidates in (_mirrors(visible, hidden, check), *fits):
        found += [one for one in candidates if _growth(visible, one.mask) > MIN_GROWTH]
        check()
    distinct: list[Hypothesis] = []
    for candidate in sorted(found, key=lambda one: -one.score):
        if all(iou(candidate.mask, other.mask) < SAME_IOU for other in distinct):
            distinct.append(candidate)
    return distinct


def _judge(visible: np.ndarray, whole: np.ndarray, hidden: np.ndarray, agreement: float) -> float:
    """How plausible ``whole`` is: ``agreement`` of the visible outline with the rule, less what would have to be
    hidden where nothing hides it, less the unevenness of the outline that remains."""
    chances = hidden[whole & ~visible]
    exposed = float((1 - chances).sum()) / np.count_nonzero(visible)
    doubt = float((chances < 0.9).mean()) if len(chances) else 0.0
    unlikely = 1.1 * exposed + 0.2 * doubt + 0.08 * _growth(visible, whole)
    return float(np.clip(agreement - unlikely + 0.25 * (_solidity(whole) - 1), 0, 1))


def _growth(visible: np.ndarray, whole: np.ndarray) -> float:
    """The area that ``whole`` adds, over the visible area."""
    return np.count_nonzero(whole & ~visible) / np.count_nonzero(visible)


def _solidity(mask: np.ndarray) -> float:
    """Area over the area of the convex hull."""
    return np.count_nonzero(mask) / max(1, np.count_nonzero(_hull(mask)))


def _hull(mask: np.ndarray) -> np.ndarray:
    points = cv2.findNonZero(mask.astype(np.uint8))
    filled = np.zeros(mask.shape, np.uint8)
    if points is not None:
        cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return filled.astype(bool) | mask


def _nothing_hidden(visible: np.ndarray, hidden: np.ndarray) -> Hypothesis:
    """What is seen is all there is: likely unless much of the outline borders on what may hide more."""
    whole = without_small_holes(visible, 0.01)
    ring = dilated(visible, 2) & ~visible
    touching = float(hidden[ring].mean()) if ring.any() else 0.0
    return Hypothesis("visible", whole, float(np.clip(0.95 - 0.4 * touching - 0.3 * (1 - _solidity(visible)), 0.05, 1)))


# --- mirror symmetry ---


def reflection(angle: float, offset: float, centre: tuple[float, float]) -> Mapping:
    """The affine map that mirrors (x, y) at the line with normal direction ``angle`` (radians), ``offset`` pixels from
    ``centre`` along that normal."""
    normal = np.array([math.cos(angle), math.sin(angle)])
    matrix = np.eye(2) - 2 * np.outer(normal, normal)
    point = np.array(centre) + offset * normal
    return np.column_stack([matrix, 2 * normal * (normal @ point)])


def mapped(mask: np.ndarray, twin: Mapping) -> np.ndarray:
    """``mask`` under an affine map that is its own inverse."""
    size = (mask.shape[1], mask.shape[0])
    return cv2.warpAffine(mask.astype(np.uint8), twin, size, flags=cv2.INTER_NEAREST).astype(bool)


def _mirrors(visible: np.ndarray, hidden: np.ndarray, check: Callable[[], None]) -> Iterator[Hypothesis]:
    """The best axis of each direction whose mirror image confirms the visible shape and hides only where it may."""
    rows, columns = np.nonzero(visible)
    centre = (float(columns.mean()), float(rows.mean()))
    reach = math.sqrt(len(rows))
    best: list[Hypothesis] = []
    for angle in np.arange(AXIS_ANGLES) * math.pi / AXIS_ANGLES:
        check()
        candidates = [
            _mirror(visible, hidden, reflection(angle, offset, centre)) for offset in np.linspace(-0.4, 0.4, 17) * reach
        ]
        best.append(max(candidates, key=lambda one: one.score))
    # Upright axes are the rule among things that stand: they win between equals.
    best[0].score = min(1.0, best[0].score + 0.05)
    yield from sorted((one for one in best if one.score > 0), key=lambda one: -one.score)[:4]


def _mirror(visible: np.ndarray, hidden: np.ndarray, twin: Mapping) -> Hypothesis:
    mirrored = mapped(visible, twin)
    area = np.count_nonzero(visible)
    # A visible pixel is confirmed by a visible twin, and half so by one that may be hidden itself.
    twins_hidden = mapped(hidden > 0.9, twin)
    confirmed = np.count_nonzero(visible & mirrored) + 0.3 * np.count_nonzero(visible & twins_hidden & ~mirrored)
    agreement = confirmed / area
    if agreement < MIN_AGREEMENT:
        return Hypothesis("mirror", visible, 0.0)
    added = mirrored & ~visible & (hidden > 0.2)
    whole = without_small_holes(_closed(visible | added), 0.01)
    # A power: most things are nearly symmetric; only a close match speaks for a hidden twin.
    return Hypothesis("mirror", whole, _judge(visible, whole, hidden, agreement**3), [twin])


def _closed(mask: np.ndarray) -> np.ndarray:
    """Hair cracks between the visible part and its mirror image closed."""
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)).astype(bool)


# --- ellipses ---


def _ellipses(visible: np.ndarray, hidden: np.ndarray) -> Iterator[Hypothesis]:
    """The ellipse through the outline that borders on surely visible background (plates, wheels, balls, heads)."""
    edge = outline(without_small_holes(visible, 0.05))
    border = edge & ~dilated(hidden > 0.6, 2)
    on_hull = edge & outline(_hull(visible))
    for points in (border, on_hull):
        rows, columns = np.nonzero(points)
        if len(rows) < 24:
            continue
        fit = ellipse_through(np.column_stack([columns, rows]).astype(np.float32))
        if fit is not None:
            yield from _ellipse(visible, hidden, edge, fit)


def _ellipse(visible: np.ndarray, hidden: np.ndarray, edge: np.ndarray, fit: Ellipse) -> Iterator[Hypothesis]:
    inside = fit.filled(visible.shape)
    added = inside & ~visible & (hidden > 0.2)
    whole = without_small_holes(_closed(visible | added), 0.02)
    rows, columns = np.nonzero(edge & outline(whole))
    if not len(rows):
        return
    near = fit.distance(np.column_stack([columns, rows]).astype(np.float32)) < max(1.5, 0.03 * fit.radius)
    # Parts of the object outside the ellipse (a handle, a spout) speak against it only mildly.
    outside = np.count_nonzero(visible & ~dilated(inside, 2)) / np.count_nonzero(visible)
    agreement = 0.35 + 0.65 * float(near.mean()) - 0.5 * outside
    centre = (fit.x, fit.y)
    twins = [reflection(fit.angle, 0, centre), reflection(fit.angle + math.pi / 2, 0, centre), _half_turn(centre)]
    yield Hypothesis("ellipse", whole, _judge(visible, whole, hidden, agreement), twins)


def _half_turn(centre: tuple[float, float]) -> Mapping:
    return np.array([[-1.0, 0.0, 2 * centre[0]], [0.0, -1.0, 2 * centre[1]]])


# --- boxes and convex closure ---


def _boxes(visible: np.ndarray, hidden: np.ndarray) -> Iterator[Hypothesis]:
    """The smallest upright or turned rectangle around the visible part (books, screens, boxes)."""
    points = cv2.findNonZero(visible.astype(np.uint8))
    corners = cv2.boxPoints(cv2.minAreaRect(points))
    rectangle = np.zeros(visible.shape, np.uint8)
    cv2.fillConvexPoly(rectangle, np.rint(corners).astype(np.int32), 1)
    whole = _closed(visible | (rectangle.astype(bool) & (hidden > 0.2)))
    edge = outline(visible) & outline(whole)
    if edge.any():
        near = dilated(outline(rectangle.astype(bool)), 2)[edge].mean()
        middle = corners.mean(axis=0)
        twins = [_half_turn((float(middle[0]), float(middle[1])))]
        yield Hypothesis("box", whole, _judge(visible, whole, hidden, 0.3 + 0.6 * float(near)), twins)


def _hulls(visible: np.ndarray, hidden: np.ndarray) -> Iterator[Hypothesis]:
    """The visible shape with its bays filled where something may stand before them."""
    added = _hull(visible) & ~visible & (hidden > 0.2)
    whole = without_small_holes(_closed(visible | added), 0.02)
    # A bay is a reason to suspect something only where something surely stands in it.
    surely = float((hidden[added] > 0.9).mean()) if added.any() else 0.0
    yield Hypothesis("hull", whole, _judge(visible, whole, hidden, 0.4 + 0.3 * surely))
