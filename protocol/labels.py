"""Label maps and the colours that they are painted in: a palette is a model's list of labels (ModelInfo.labels)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .descriptions import LabelInfo
from .problems import ErrorCode, ProblemError
from .values import LabelMap

_NAMED = 4  # unknown colours or ids that a complaint names
_ROWS = 64  # of a picture that are compared with the palette at once
_OPAQUE = 128


def palette_of(labels: Sequence[LabelInfo]) -> np.ndarray:
    """uint8 n x 3: the colours of ``labels`` by id."""
    return np.array([label.colour for label in labels], np.uint8).reshape(-1, 3)


def painted(ids: np.ndarray, labels: Sequence[LabelInfo]) -> np.ndarray:
    """uint8 H x W x 3 (sRGB): the label map ``ids`` (any integers, H x W) in its labels' colours, ids beyond them
    black."""
    palette = np.concatenate([palette_of(labels), np.zeros((1, 3), np.uint8)])
    return palette[np.minimum(ids, len(labels)).astype(np.intp)]


def from_ids(ids: np.ndarray, labels: Sequence[LabelInfo]) -> LabelMap:
    """The label map of ``ids`` (integers or booleans, H x W). ProblemError (BAD_INPUT) naming ids that no label has."""
    present = np.unique(ids)
    unknown = [str(n) for n in present if not 0 <= n < len(labels)]
    if unknown:
        raise _unknown(f"the ids {_listed(unknown)}", labels)
    return LabelMap(ids.astype(np.uint16))


def from_colours(pixels: np.ndarray, labels: Sequence[LabelInfo]) -> LabelMap:
    """The label map that the picture ``pixels`` (uint8 H x W x 3 or 4, sRGB) shows in exactly its labels' colours.

    What is more than half transparent is the first label, the background. ProblemError (BAD_INPUT) naming the colours
    that no label has, and the palette.
    """
    if not labels:
        raise _unknown("colours", labels)
    codes = _codes(pixels)
    known = _codes(palette_of(labels)[None])[0]
    order = np.argsort(known, kind="stable")  # of labels in one colour the first is meant
    place = np.minimum(np.searchsorted(known[order], codes), len(known) - 1)
    ids = order[place]
    outside = pixels[..., 3] < _OPAQUE if pixels.shape[2] == 4 else np.zeros(codes.shape, bool)
    strange = (known[ids] != codes) & ~outside
    if strange.any():
        found, counts = np.unique(codes[strange], return_counts=True)
        colours = [f"#{code:06x}" for code in found[np.argsort(-counts, kind="stable")]]
        raise _unknown(f"the colours {_listed(colours)}", labels)
    return LabelMap(np.where(outside, 0, ids).astype(np.uint16))


def nearest(pixels: np.ndarray, labels: Sequence[LabelInfo]) -> LabelMap:
    """The label map of a picture painted with soft brushes: each pixel of ``pixels`` (uint8 H x W x 3 or 4, sRGB) is
    the label of the nearest colour. What is more than half transparent is the first label, the background."""
    palette = palette_of(labels).astype(np.int32)
    ids = np.empty(pixels.shape[:2], np.uint16)
    for row in range(0, len(pixels), _ROWS):
        part = pixels[row : row + _ROWS, :, None, :3].astype(np.int32)
        ids[row : row + _ROWS] = ((part - palette) ** 2).sum(axis=-1).argmin(axis=-1)
    if pixels.shape[2] == 4:
        ids[pixels[..., 3] < _OPAQUE] = 0
    return LabelMap(ids)


def resized(label_map: LabelMap, height: int, width: int) -> LabelMap:
    """``label_map`` in ``height`` x ``width`` pixels, each with the label at its centre."""
    return LabelMap(at_centres(label_map.ids, height, width))


def at_centres(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """``height`` x ``width`` x … of ``pixels`` (H x W x …, any dtype): those at the centres of a grid that covers
    them."""
    rows = ((np.arange(height) + 0.5) * (pixels.shape[0] / height)).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * (pixels.shape[1] / width)).astype(np.intp)
    return pixels[rows[:, None], columns]


def _codes(pixels: np.ndarray) -> np.ndarray:
    """One number for each colour."""
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _listed(texts: list[str]) -> str:
    more = len(texts) - _NAMED
    return ", ".join(texts[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _unknown(what: str, labels: Sequence[LabelInfo]) -> ProblemError:
    palette = ", ".join(f"{number} {label.name} #{bytes(label.colour).hex()}" for number, label in enumerate(labels))
    return ProblemError(
        ErrorCode.BAD_INPUT,
        f"The label map has {what}, which no label has.",
        f"Paint it with hard edges in: {palette}." if labels else "This model has no labels.",
    )
