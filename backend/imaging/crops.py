"""Parts of a picture that may reach over its border, and back."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.boxes import Box


def crop(array: np.ndarray, box: Box, fill_value: float = 0) -> np.ndarray:
    """The part of ``array`` (H x W or H x W x C) in ``box``; what lies outside the picture is ``fill_value``."""
    height, width = array.shape[:2]
    out = np.full((box.height, box.width, *array.shape[2:]), fill_value, array.dtype)
    inner, outer = _shared(box, (height, width))
    out[inner] = array[outer]
    return out


def crop_going_on(picture: np.ndarray, box: Box) -> np.ndarray:
    """The same of uint8 H x W x C, but the picture's border goes on outside it."""
    inside = crop(picture, box)
    rows, columns = _shared(box, picture.shape[:2])[0]
    margins = rows.start, box.height - rows.stop, columns.start, box.width - columns.stop
    if not any(margins):
        return inside
    return cv2.copyMakeBorder(inside[rows, columns], *margins, cv2.BORDER_REPLICATE)


def put_back(part: np.ndarray, box: Box, size: tuple[int, int], fill_value: float = 0) -> np.ndarray:
    """An array of ``size`` (height, width) with ``part`` (box.height x box.width (x C)) in its ``box``."""
    out = np.full((*size, *part.shape[2:]), fill_value, part.dtype)
    inner, outer = _shared(box, size)
    out[outer] = part[inner]
    return out


def _shared(box: Box, size: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where the box and a picture of ``size`` overlap: counted in the box, and in the picture."""
    y0, y1 = max(box.y0, 0), min(box.y1, size[0])
    x0, x1 = max(box.x0, 0), min(box.x1, size[1])
    inner = slice(y0 - box.y0, y1 - box.y0), slice(x0 - box.x0, x1 - box.x0)
    return inner, (slice(y0, y1), slice(x0, x1))
