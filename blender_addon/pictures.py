"""Pixels between Blender's form (floats, bottom row first) and the wire's (uint8 sRGB, top row first). No bpy."""

from __future__ import annotations

import numpy as np

_BAND = 64  # rows at a time, so that the work stays in the processor's cache


def _srgb(linear: np.ndarray) -> np.ndarray:
    """Scene-linear to sRGB, both 0..1 (IEC 61966-2-1)."""
    clipped = np.clip(linear, 0.0, 1.0)
    return np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * np.power(clipped, 1 / 2.4) - 0.055)


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
            band = np.concatenate([_srgb(colour), alpha], axis=2)
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
    4) shrunk into the middle, transparent around it."""
    small = shrink(picture, side)
    height, width = small.shape[:2]
    square = np.zeros((side, side, 4), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    target = square[top : top + height, left : left + width]
    target[..., : small.shape[2]] = small.astype(np.float32) / 255
    if small.shape[2] == 3:
        target[..., 3] = 1.0
    return np.ascontiguousarray(square[::-1]).ravel()


def tint(mask: np.ndarray, side: int, colour: tuple[int, int, int]) -> np.ndarray:
    """uint8 h x w x 4, bottom row first, for drawing over the picture: ``mask`` (uint8 H x W) as a see-through colour
    with a clear outline, its longer side at most ``side``."""
    step = -(-max(mask.shape) // side)
    inside = mask[step // 2 :: step, step // 2 :: step] > 0 if step > 1 else mask > 0
    inside = np.ascontiguousarray(inside[::-1])
    padded = np.pad(inside, 1, mode="edge")
    whole = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    drawn = np.zeros((*inside.shape, 4), np.uint8)
    drawn[inside] = (*colour, 90)
    drawn[inside & ~whole] = (*colour, 240)
    return drawn


def revealed(completed: np.ndarray, side: int) -> np.ndarray:
    """uint8 h x w x 4, bottom row first, for drawing over the picture: the whole object (``completed`` uint8 H x W x 4)
    in place, everything else darkened."""
    small = shrink(completed, side)[::-1].astype(np.uint16)
    alpha = small[..., 3:]
    drawn = np.empty(small.shape, np.uint8)
    drawn[..., :3] = small[..., :3] * alpha // 255
    drawn[..., 3:] = np.maximum(alpha, 150)
    return drawn
