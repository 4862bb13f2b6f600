"""What CLIP is shown: a photo in the published way, or an object alone on white, whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image as Picture

from backend.imaging.boxes import box_of

MEAN = (0.48145466, 0.4578275, 0.40821073)  # Radford et al., "CLIP", 2021: clip.py of its repository
STD = (0.26862954, 0.26130258, 0.27577711)
MARGIN = 0.05  # white around an object, of its longer side
_LONGEST = 4  # times the shorter edge


def photo(image: np.ndarray, side: int) -> np.ndarray:
    """uint8 H x W x 3 -> uint8 side x side x 3: the shorter edge scaled to ``side`` (bicubic), then the middle."""
    short, long = sorted(image.shape[:2])
    if long > _LONGEST * short:  # what lies so far from the middle is never seen, and would take much memory
        cut = (long - _LONGEST * short) // 2
        middle = slice(cut, long - cut)
        image = image[:, middle] if image.shape[1] == long else image[middle]
        long = max(image.shape[:2])
    far = side * long // short
    size = (far, side) if image.shape[1] == long else (side, far)
    small = Picture.fromarray(image).resize(size, Picture.Resampling.BICUBIC)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.asarray(small.crop((left, top, left + side, top + side)))


def alone(image: np.ndarray, alpha: np.ndarray, side: int) -> np.ndarray:
    """The object of ``image`` (uint8 H x W x 3) where ``alpha`` (uint8 H x W, not all 0) is above 0, on white: uint8
    side x side x 3. A white square around its box is scaled, so that cutting out the middle cuts nothing off it."""
    box = box_of(alpha > 0)
    edge = round(max(box.width, box.height) * (1 + 2 * MARGIN))
    share = alpha[box.slices][..., None].astype(np.float32) / 255
    mixed = image[box.slices] * share + 255 * (1 - share)
    square = np.full((edge, edge, 3), 255, np.uint8)
    top, left = (edge - box.height) // 2, (edge - box.width) // 2
    square[top : top + box.height, left : left + box.width] = np.rint(mixed)
    return photo(square, side)


def normalised(picture: np.ndarray, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> np.ndarray:
    """uint8 S x S x 3 -> float32 1 x 3 x S x S with CLIP's mean and spread taken out."""
    values = (picture.astype(np.float32) / 255 - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)
