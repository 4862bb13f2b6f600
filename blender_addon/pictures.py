"""Pixels between Blender's form (floats, bottom row first) and the wire's (uint8 sRGB, top row first). No bpy."""

from __future__ import annotations

import numpy as np

from .colour import to_srgb

_BAND = 64  # rows at a time, so that the work stays in the processor's cache


def from_floats(pixels: np.ndarray, width: int, height: int, channels: int, linear: bool) -> np.ndarray:
    """uint8 H x W x 3, or x 4 where something is transparent, from Blender's flat float32 ``pixels``.

    ``linear`` says that they are scene-linear with premultiplied alpha (a float image) and not sRGB. One channel is
    taken as grey.
    """
    flipped: np.ndarray = pixels.reshape(height, width, channels)[::-1]
    if channels < 3:
        flipped = np.repeat(flipped[:, :, :1], 3, axis=2)
    out: np.ndarray = np.empty(flipped.shape, np.uint8)
    for start in range(0, height, _BAND):
        band = flipped[start : start + _BAND]
        if linear:
            alpha = np.clip(band[..., 3:], 0.0, 1.0)
            colour = band[..., :3] / np.maximum(alpha, 1e-6) if alpha.shape[2] else band
            band = np.concatenate([to_srgb(colour), alpha], axis=2)
        out[start : start + _BAND] = band * np.float32(255) + np.float32(0.5)
    if out.shape[2] == 4 and bool((out[..., 3] == 255).all()):
        return np.ascontiguousarray(out[..., :3])
    return out


def shrink(picture: np.ndarray, side: int) -> np.ndarray:
    """``picture`` uint8 H x W x C with its longer side at most ``side``, by averaging blocks of whole pixels."""
    coarse = max(1, max(picture.shape[:2]) // (4 * side))  # a huge one is thinned first: 16 pixels a block are enough
    thin = picture[::coarse, ::coarse]
    factor = -(-max(thin.shape[:2]) // side)
    if factor == 1:
        return thin
    rows, columns = (np.arange(0, length, factor) for length in thin.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(thin, rows, axis=0, dtype=np.uint32), columns, axis=1)
    counts = np.outer(np.diff(rows, append=thin.shape[0]), np.diff(columns, append=thin.shape[1]))
    return (sums // counts[..., None]).astype(np.uint8)


def thumbnail(picture: np.ndarray, side: int) -> np.ndarray:
    """float32, flat, for a ``side`` x ``side`` RGBA preview with the bottom row first: ``picture`` (uint8 H x W x 3 or
    4, straight alpha) shrunk into the middle, transparent around it. Colours are multiplied by alpha, as Blender draws
    icons: those of transparent pixels would shine through."""
    small = shrink(picture, side)
    height, width = small.shape[:2]
    square = np.zeros((side, side, 4), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    target = square[top : top + height, left : left + width]
    target[..., : small.shape[2]] = small.astype(np.float32) / 255
    if small.shape[2] == 3:
        target[..., 3] = 1.0
    target[..., :3] *= target[..., 3:]
    return np.ascontiguousarray(square[::-1]).ravel()


Colour = tuple[int, int, int]


def _small(mask: np.ndarray, side: int) -> np.ndarray:
    """``mask`` (uint8 H x W) as bool h x w, bottom row first, its longer side at most ``side``."""
    step = -(-max(mask.shape) // side)
    inside = mask[step // 2 :: step, step // 2 :: step] > 0 if step > 1 else mask > 0
    return np.ascontiguousarray(inside[::-1])


def _edge(inside: np.ndarray) -> np.ndarray:
    """The pixels of ``inside`` (bool h x w) that border on what is not."""
    padded = np.pad(inside, 1, mode="edge")
    return inside & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])


def _stripes(shape: tuple[int, ...], width: int) -> np.ndarray:
    """bool h x w: every other diagonal stripe, so that colour is not all that tells things apart."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return ((rows + columns) // width) % 2 == 0


def tint(mask: np.ndarray, side: int, colour: Colour) -> np.ndarray:
    """uint8 h x w x 4, bottom row first, for drawing over the picture: ``mask`` (uint8 H x W) as a see-through colour
    with a clear outline, its longer side at most ``side``."""
    inside = _small(mask, side)
    drawn = np.zeros((*inside.shape, 4), np.uint8)
    drawn[inside] = (*colour, 90)
    drawn[_edge(inside)] = (*colour, 240)
    return drawn


def outlined(visible: np.ndarray, amodal: np.ndarray, side: int, seen: Colour, hidden: Colour) -> np.ndarray:
    """As `tint`, of the whole object: its ``visible`` part in the colour ``seen``, the rest of ``amodal`` (both uint8
    H x W) in the colour ``hidden`` with a dashed outline."""
    drawn = tint(visible, side, seen)
    whole = _small(amodal, side)
    rest = whole & ~_small(visible, side)
    drawn[rest] = (*hidden, 90)
    drawn[rest & _edge(whole) & _stripes(rest.shape, 5)] = (*hidden, 240)
    return drawn


def agreed(amodals: list[np.ndarray], side: int, sure: Colour, unsure: Colour) -> np.ndarray:
    """As `tint`, of all samples (``amodals``, each uint8 H x W): plain in the colour ``sure`` where all have the
    object, striped in the colour ``unsure`` where some have it, the clearer the more there are."""
    share = np.mean([_small(amodal, side) for amodal in amodals], axis=0)
    drawn = np.zeros((*share.shape, 4), np.uint8)
    some = (share > 0) & (share < 1)
    drawn[share == 1] = (*sure, 100)
    drawn[_edge(share == 1)] = (*sure, 240)
    drawn[some] = (*unsure, 50)
    striped = some & _stripes(share.shape, 4)
    drawn[striped, 3] = 90 + 150 * share[striped]
    return drawn


def agreement(amodals: list[np.ndarray]) -> float:
    """The part of what any sample takes for the object (``amodals``, each uint8 H x W) that all of them do, 0..1."""
    some, every = np.maximum.reduce(amodals) > 0, np.minimum.reduce(amodals) > 0
    return float(every.sum() / max(1, int(some.sum())))


def bounds(picture: np.ndarray) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 around what is not transparent in ``picture`` (uint8 H x W x 4); all of it when nothing is."""
    opaque = picture[..., 3] > 8
    rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
    if not len(rows):
        return 0, 0, picture.shape[1], picture.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def revealed(completed: np.ndarray, side: int) -> np.ndarray:
    """uint8 h x w x 4, bottom row first, for drawing over the picture: the whole object (``completed`` uint8 H x W x 4)
    in place, everything else darkened."""
    small = shrink(completed, side)[::-1].astype(np.uint16)
    alpha = small[..., 3:]
    drawn = np.empty(small.shape, np.uint8)
    drawn[..., :3] = small[..., :3] * alpha // 255
    drawn[..., 3:] = np.maximum(alpha, 150)
    return drawn
