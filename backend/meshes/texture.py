"""Colours for a mesh from one picture: a planar texture without background at the outline, and vertex colours."""

from __future__ import annotations

import cv2
import numpy as np

TEXTURE_MARGIN = 0.02  # of the unit square, on every side, so that filtering never reaches past the texture's edge
_RIM = 0.012  # of the side: how far inside the outline colours are trusted fully
_LEAST_RIM_PIXELS = 2.0


def planar_texture(rgba: np.ndarray, centre: tuple[float, float], side: float, size: int) -> np.ndarray:
    """The square of the picture around an object as a texture, with the object's colours continued outwards.

    ``rgba`` uint8 H x W x 4 (sRGB, alpha = the object); ``centre`` and ``side`` in pixels, (0, 0) at the first pixel's
    outer corner; ``size`` the texture's side. Returns uint8 size x size x 3. Pixels at the rim, which hold some of the
    background, count little, so no dark or foreign fringe is left.
    """
    shrink = int(side / size)
    if shrink > 1:
        height, width = rgba.shape[0] // shrink, rgba.shape[1] // shrink
        rgba = cv2.resize(rgba[: height * shrink, : width * shrink], (width, height), interpolation=cv2.INTER_AREA)
        centre, side = (centre[0] / shrink, centre[1] / shrink), side / shrink
    half = side * (0.5 + TEXTURE_MARGIN)
    work = int(np.clip(np.ceil(2 * half), 16, size))
    scale = work / (2 * half)
    colours, trust = _trusted(rgba, side)
    # Picture coordinates run between pixel corners, warpAffine's between pixel centres.
    offset = work / 2 - np.asarray(centre) * scale + 0.5 * scale - 0.5
    matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]], np.float64)
    sums = np.dstack([colours * trust[..., None], trust])
    if scale < 1:
        sums = cv2.GaussianBlur(sums, (0, 0), 0.4 / scale)
    sums = cv2.warpAffine(sums, matrix, (work, work), flags=cv2.INTER_LINEAR)
    filled = np.clip(_filled(sums), 0, 255).astype(np.uint8)
    return filled if work == size else cv2.resize(filled, (size, size), interpolation=cv2.INTER_CUBIC)


def planar_uvs(vertices: np.ndarray) -> np.ndarray:
    """float32 V x 2: where in a planar texture a vertex (unit cube, x right, y up) lies, front and back alike."""
    return (vertices[:, :2] / (1 + 2 * TEXTURE_MARGIN) + 0.5).astype(np.float32)


def sample_colours(texture: np.ndarray, uvs: np.ndarray) -> np.ndarray:
    """uint8 V x 4: the texture's colour (uint8 H x W x 3) at each uv (v = 0 at the bottom), bilinear, alpha 255."""
    height, width = texture.shape[:2]
    x, y = uvs[:, 0] * width - 0.5, (1 - uvs[:, 1]) * height - 0.5
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    fx, fy = (x - left)[:, None], (y - top)[:, None]
    texels = texture.astype(np.float32)
    upper = texels[top, left] * (1 - fx) + texels[top, left + 1] * fx
    lower = texels[top + 1, left] * (1 - fx) + texels[top + 1, left + 1] * fx
    colours = np.rint(upper * (1 - fy) + lower * fy).astype(np.uint8)
    return np.concatenate([colours, np.full((len(colours), 1), 255, np.uint8)], axis=1)


def _trusted(rgba: np.ndarray, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Colours float32 H x W x 3 and how much each pixel counts: 0 outside, little at the rim, 1 well inside."""
    inside = (rgba[..., 3] >= 128).astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    rim = max(_LEAST_RIM_PIXELS, _RIM * side)
    trust = np.clip((depth - 0.5) / rim, 0, 1) ** 3 + 1e-4 * inside
    return rgba[..., :3].astype(np.float32), trust.astype(np.float32)


def _filled(sums: np.ndarray) -> np.ndarray:
    """Colours float32 h x w x 3 from weighted sums (h x w x 4, weight last): gaps filled from coarser scales."""
    height, width = sums.shape[:2]
    weight = np.clip(sums[..., 3:], 0, 1)
    colours = sums[..., :3] / np.maximum(sums[..., 3:], 1e-8)
    if min(height, width) <= 2:
        total = sums.sum(axis=(0, 1))
        return np.where(weight > 1e-6, colours, total[:3] / max(float(total[3]), 1e-8))
    coarse = cv2.resize(sums, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    # Any trusted pixel makes the coarser one trusted: its colour is the best known there.
    gain = np.minimum(1.0, 4 * coarse[..., 3:]) / np.maximum(coarse[..., 3:], 1e-8)
    below = cv2.resize(_filled(coarse * gain), (width, height), interpolation=cv2.INTER_LINEAR)
    return colours * weight + below * (1 - weight)
