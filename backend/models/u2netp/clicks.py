"""What a click means: crops of several sizes around it, and the one in which the network sees a closed thing there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backend.imaging.boxes import Box, box_of, box_within
from backend.imaging.cut import Guess, around
from backend.imaging.masks import dilated, disc, touched
from backend.imaging.prompts import Prompt

SCALES = (0.22, 0.4, 0.7, 1.4)  # side of the crop, of the picture's longer side
LOOK_SIDE = 224  # coarse looks; the chosen thing is looked at again, closer
FULL_SIDE = 320
CLOSER = 0.08  # margin of that look, of the thing's longer side
_LARGER = 0.06  # a scale's bonus over the next smaller one: a click on a part mostly means the thing
_MAYBE = 0.8  # a guess that GrabCut may take back
_REACH = 0.12  # of the longer side: where an object is sought that the network does not see


Saliency = Callable[[np.ndarray, int], np.ndarray]


def find_clicked(image: np.ndarray, prompt: Prompt, saliency: Saliency, check: Callable[[], None]) -> Guess:
    """What the clicks of ``prompt`` mean in ``image`` (uint8 H x W x 3). ``saliency`` maps a crop and a working size to
    what stands out in it (float32 of the crop's size, 0 to 1); ``check`` is called between looks and may raise."""
    size = image.shape[:2]
    best_score, best = 0.0, None
    for number, scale in enumerate(SCALES):
        check()
        crop = _around(prompt.positive, scale * max(size), size)
        found = saliency(image[crop.slices], LOOK_SIDE)
        mask, score = _judged(found, prompt, crop, size)
        score += _LARGER * number
        if mask is not None and score > best_score:
            best_score, best = score, (crop, found, mask)
    if best is None:
        return _discs(prompt, size)
    crop, found, mask = best
    inner = box_of(mask)
    box = Box(inner.x0 + crop.x0, inner.y0 + crop.y0, inner.x1 + crop.x0, inner.y1 + crop.y0)
    likely = np.zeros(size, np.float32)
    if len(prompt.negative):
        likely[crop.slices] = np.where(dilated(mask, 2), found, 0)
    else:
        check()
        closer = box.grown(CLOSER * max(box.width, box.height), size)
        likely[box.slices] = saliency(image[closer.slices], FULL_SIDE)[box.within(closer).slices]
    region = around(box, size)
    return Guess(likely[region.slices], region)


def _discs(prompt: Prompt, size: tuple[int, int]) -> Guess:
    """Where the network sees nothing: discs around the clicks, for colours to tell."""
    likely = np.zeros(size, np.float32)
    for x, y in prompt.positive:
        likely[disc(size, x, y, _REACH * max(size))] = _MAYBE
    region = around(box_of(likely > 0), size)
    return Guess(likely[region.slices], region)


def _around(points: np.ndarray, side: float, size: tuple[int, int]) -> Box:
    """A square of ``side`` around the points' middle, larger where they spread further."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high + 1) / 2
    half = max(side, 1.4 * float((high - low).max())) / 2
    return box_within((middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half), size)


def _judged(found: np.ndarray, prompt: Prompt, crop: Box, size: tuple[int, int]) -> tuple[np.ndarray | None, float]:
    """The thing under the clicks in one crop, and how much it looks like a whole one: clear inside, and not cut by
    the crop's edge (the picture's own edge may cut it)."""
    at = (prompt.positive - (crop.x0, crop.y0)).astype(int)
    if not (found[at[:, 1], at[:, 0]] > 0.5).all():
        return None, 0.0
    mask = touched(found > 0.5, at)
    inner = [edge for edge, is_inner in _edges(mask, crop, size) if is_inner]
    cut = float(np.concatenate(inner).mean()) if inner else 0.0
    clear = float(found[mask].mean()) - float(found[dilated(mask, 5) & ~mask].mean() if (~mask).any() else 0.0)
    negative = (prompt.negative - (crop.x0, crop.y0)).astype(int)
    within = (negative >= 0).all(axis=1) & (negative < (crop.width, crop.height)).all(axis=1)
    wrong = float(mask[negative[within, 1], negative[within, 0]].mean()) if within.any() else 0.0
    return mask, clear * (1 - cut) ** 2 * (1 - 0.8 * wrong)


def _edges(mask: np.ndarray, crop: Box, size: tuple[int, int]) -> list[tuple[np.ndarray, bool]]:
    """The mask along each side of the crop, and whether that side lies inside the picture."""
    return [
        (mask[0], crop.y0 > 0),
        (mask[-1], crop.y1 < size[0]),
        (mask[:, 0], crop.x0 > 0),
        (mask[:, -1], crop.x1 < size[1]),
    ]
