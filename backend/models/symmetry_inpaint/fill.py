"""Colours for the hidden part: twins of visible pixels where a symmetry gives them, diffusion elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from backend.imaging.masks import dilated, eroded, soft_edged
from backend.imaging.spreading import diffused

_SEAM = 0.03  # width of the blend at the seam, of the object's size


def fill(image: np.ndarray, visible: np.ndarray, whole: np.ndarray, twins: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 H x W x 3: ``image`` inside ``visible`` (bool H x W, untouched), new colours inside the rest of ``whole``.

    ``twins`` are affine maps (2 x 3) from hidden pixels to visible ones, the best first.
    """
    # The outermost visible pixels mix object and surroundings; nothing is learnt from them.
    trusted = eroded(visible, 2)
    if not trusted.any():
        trusted = visible
    known = trusted.copy()
    colours = image.astype(np.float32)
    smooth = diffused(image, trusted)
    hidden = whole & ~visible
    width = max(2.0, _SEAM * np.sqrt(np.count_nonzero(whole)))
    size = (image.shape[1], image.shape[0])
    for twin in twins:
        borrowed = cv2.warpAffine(image, twin, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        valid = cv2.warpAffine(trusted.astype(np.uint8), twin, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
        fresh = hidden & ~known & (valid > 0)
        if fresh.any():
            # Light differs from side to side: the twin's detail is laid over the level that diffusion expects.
            detail = borrowed.astype(np.float32) - cv2.GaussianBlur(borrowed, (0, 0), 2 * width)
            shifted = 0.5 * borrowed + 0.5 * (smooth + detail)
            colours[fresh] = shifted[fresh]
            known |= fresh
    rest = hidden & ~known
    colours[rest] = smooth[rest]
    # New colours begin at the seam with what diffusion carries over it, so that no line shows.
    away = cv2.distanceTransform((~trusted).astype(np.uint8), cv2.DIST_L2, 3)
    weight = np.clip(away / width, 0, 1)[..., None]
    blended = weight * colours + (1 - weight) * smooth
    result = image.copy()
    result[hidden] = np.clip(np.rint(blended[hidden]), 0, 255).astype(np.uint8)
    return result


def with_soft_edge(colours: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """uint8 H x W x 4: ``colours`` with ``whole`` as alpha, its edge softened by a pixel; the colours of the edge go
    on outside, so that no dark rim shows over another background."""
    outside = ~whole & dilated(whole, 4)
    carried = diffused(colours, eroded(whole, 1)) if eroded(whole, 1).any() else colours.astype(np.float32)
    result = np.zeros((*whole.shape, 4), np.uint8)
    result[..., :3] = np.where(whole[..., None], colours, 0)
    result[outside, :3] = np.clip(np.rint(carried[outside]), 0, 255).astype(np.uint8)
    result[..., 3] = np.rint(255 * soft_edged(whole)).astype(np.uint8)
    return result
