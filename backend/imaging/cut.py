"""From a guess of where the object is to its mask: GrabCut seeded with the guess, then edges at full resolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging.boxes import Box
from backend.imaging.masks import disc, touched, without_small_holes, without_specks
from backend.imaging.prompts import Prompt
from backend.imaging.scaling import guided_enlargement, resized, size_limited

WORK_SIDE = 448  # GrabCut's time grows with the pixels; finer edges come from the guided enlargement
ITERATIONS = 3
UNKNOWN = 0.1
AROUND = 0.25  # of a box's longer side: background to learn colours from
_SURE = 0.9  # a guess above this is not questioned; measured best on composites (benchmarks/segment.py)
_RULED_OUT = 0.02  # below this neither
_TRUST = 0.3  # a cut smaller than this share of the guess has lost the object: the guess is better
_CLICK = 0.012  # radius of a click's sure pixels, of the working copy's longer side
_SPECK = 0.02
_HOLE = 0.004


@dataclass(frozen=True)
class Guess:
    """``likely`` (float32 h x w, 0 to 1, any resolution) covers the picture's pixels in ``region``.

    Above 0.9 and below 0.02 a guess is taken for sure; UNKNOWN stands for where nobody looked.
    """

    likely: np.ndarray
    region: Box


def around(box: Box, size: tuple[int, int]) -> Box:
    """The region of a picture of ``size`` (height, width) to look at for an object in ``box``."""
    return box.grown(AROUND * max(box.width, box.height), size)


def grab_cut(image: np.ndarray, given: np.ndarray, iterations: int, check: Callable[[], None]) -> np.ndarray:
    """Rother et al., "GrabCut", SIGGRAPH 2004: the object in ``image`` (uint8 H x W x 3) as a bool H x W mask.

    ``given``: uint8 H x W of cv2.GC_BGD, GC_FGD (sure), GC_PR_BGD and GC_PR_FGD (a guess). ``check`` is called before
    every iteration and may raise. With no guess on one side there is nothing to learn colours from: the guess is the
    answer then.
    """
    object_side = (given == cv2.GC_FGD) | (given == cv2.GC_PR_FGD)
    # OpenCV needs as many pixels as mixture components (5) on either side.
    if min(np.count_nonzero(object_side), np.count_nonzero(~object_side)) < 5:
        return object_side
    work = given.copy()
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    mode = cv2.GC_INIT_WITH_MASK
    cv2.setRNGSeed(0)  # its k-means starts at random: the same bytes for the same input
    for _ in range(iterations):
        check()
        cv2.grabCut(np.ascontiguousarray(image), work, (0, 0, 1, 1), background, foreground, 1, mode)
        mode = cv2.GC_EVAL
    found = (work == cv2.GC_FGD) | (work == cv2.GC_PR_FGD)
    return object_side if np.count_nonzero(found) < _TRUST * np.count_nonzero(object_side) else found


def cut_out(
    image: np.ndarray, guess: Guess, prompt: Prompt, check: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray]:
    """The object that ``guess`` means in ``image`` (uint8 H x W x 3).

    Clicks are sure, as is everything outside the prompt's box. Only parts that a positive click touches are kept where
    there are any. Gives the mask (bool H x W, empty when there is nothing) and the confidence (float32 H x W).
    """
    region = guess.region
    mask, confidence = np.zeros(image.shape[:2], bool), np.zeros(image.shape[:2], np.float32)
    size = size_limited((region.height, region.width), WORK_SIDE)
    given = seeds(resized(guess.likely, size), region, prompt)
    if not ((given == cv2.GC_FGD) | (given == cv2.GC_PR_FGD)).any():
        return mask, confidence
    picture = image[region.slices]
    found = grab_cut(resized(picture, size), given, ITERATIONS, check)
    if len(prompt.positive):
        found = touched(found, _clicks(prompt.positive, region, size).astype(int))
    # A click off the object may leave no more than a small hole, which stays.
    found = without_small_holes(without_specks(found, _SPECK), _HOLE) & ((given != cv2.GC_BGD) | found)
    soft = guided_enlargement(found.astype(np.float32), picture)
    soft[_outside(prompt.box, region)] = 0
    confidence[region.slices] = soft
    mask = confidence > 0.5
    if len(prompt.positive):
        # A click stays on its object even where the softened edge runs over it.
        mask[prompt.positive[:, 1], prompt.positive[:, 0]] = True
        mask = touched(mask, prompt.positive)
    return mask, confidence


def seeds(likely: np.ndarray, region: Box, prompt: Prompt) -> np.ndarray:
    """GrabCut's seeds for ``region`` at the size of ``likely`` (float32 h x w): uint8 h x w."""
    size = likely.shape[:2]
    given = np.where(likely > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    given[likely > _SURE] = cv2.GC_FGD
    given[likely < _RULED_OUT] = cv2.GC_BGD
    outside = _outside(prompt.box, region).astype(np.uint8)
    given[cv2.resize(outside, (size[1], size[0]), interpolation=cv2.INTER_NEAREST) > 0] = cv2.GC_BGD
    radius = max(1.5, _CLICK * max(size))
    for group, value in ((prompt.positive, cv2.GC_FGD), (prompt.negative, cv2.GC_BGD)):
        for x, y in _clicks(group, region, size):
            given[disc(size, x, y, radius)] = value
    return given


def _clicks(pixels: np.ndarray, region: Box, size: tuple[int, int]) -> np.ndarray:
    """Float N x 2: the centres of ``pixels`` of the picture, in a copy of ``region`` of ``size``; those outside it
    are left out."""
    scale = np.array([size[1] / region.width, size[0] / region.height])
    placed = (pixels + 0.5 - (region.x0, region.y0)) * scale
    return placed[((placed >= 0) & (placed < (size[1], size[0]))).all(axis=1)]


def _outside(allowed: Box | None, region: Box) -> np.ndarray:
    """bool, of the size of ``region``: what lies outside the prompt's box."""
    outside = np.full((region.height, region.width), allowed is not None)
    if allowed is not None:
        inner = allowed.within(region)
        outside[max(inner.y0, 0) : inner.y1, max(inner.x0, 0) : inner.x1] = False
    return outside
