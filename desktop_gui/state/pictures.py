"""Small operations on pictures and masks, all with numpy."""

from __future__ import annotations

import numpy as np


def tinted(inside: np.ndarray, colour: tuple[int, int, int], opacity: float) -> np.ndarray:
    """``colour`` at ``opacity`` (0 to 1) where ``inside`` (bool H x W): uint8 H x W x 4, BGRA premultiplied, which is
    what Qt calls ARGB32 on little-endian machines."""
    red, green, blue = (round(part * opacity) for part in colour)
    table = np.array([[0, 0, 0, 0], [blue, green, red, round(255 * opacity)]], np.uint8)
    return table[inside.astype(np.uint8)]


def agreement(wholes: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """Of all samples' ``wholes`` (bool H x W each): the share of them that has each pixel (float H x W, 0 to 1), and
    the part of what any has that all have (0 to 1)."""
    share = np.mean(wholes, axis=0)
    return share, float((share == 1).sum() / max(1, int((share > 0).sum())))


def striped(share: np.ndarray, sure: tuple[int, int, int], unsure: tuple[int, int, int]) -> np.ndarray:
    """``share`` (float H x W, 0 to 1) as `tinted` makes it: plain in the colour ``sure`` where it is 1, elsewhere
    striped in ``unsure``, the clearer the larger it is. Stripes also tell those who see no difference in colour."""
    rows, columns = np.ogrid[: share.shape[0], : share.shape[1]]
    width = max(4, max(share.shape) // 128)
    stripes = ((rows + columns) // width) % 2 == 0
    opacity = np.where(share == 1, 0.4, np.where(stripes, 0.3 + 0.55 * share, 0.18)) * (share > 0)
    colour = np.where((share == 1)[..., None], np.array(sure), np.array(unsure))
    drawn = np.empty((*share.shape, 4), np.uint8)
    drawn[..., :3] = colour[..., ::-1] * opacity[..., None]
    drawn[..., 3] = 255 * opacity
    return drawn


def bounds(inside: np.ndarray, margin: float = 0.08) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1) around ``inside`` (bool H x W) with a margin as a part of its longer side; all when empty."""
    height, width = inside.shape
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        return 0, 0, width, height
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    extra = round(max(x1 - x0, y1 - y0) * margin)
    return max(x0 - extra, 0), max(y0 - extra, 0), min(x1 + extra, width), min(y1 + extra, height)


def cut_out(pixels: np.ndarray) -> np.ndarray:
    """The part of an RGBA picture (uint8 H x W x 4) that is not transparent, with a margin."""
    x0, y0, x1, y1 = bounds(pixels[..., 3] > 16)
    return pixels[y0:y1, x0:x1]
