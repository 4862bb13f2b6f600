"""What is drawn over the picture: masks as tints and outlines, the completed picture. Built off the Qt thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtGui import QColor, QImage, QPainterPath, QTransform

from protocol import Image, Mask

from .. import theme
from ..qimages import path_of, pyramid, qimage_of, qimage_of_tint
from ..state import pictures
from ..state.outlines import hidden_outlines, outlines, reduced

TINT = 0.42
HOVER_TINT = 0.24


@dataclass(frozen=True)
class Overlay:
    """Paths are in picture pixels; pictures cover the whole picture whatever their size."""

    tint: QImage | None = None
    outline: QPainterPath = field(default_factory=QPainterPath)
    hidden_tint: QImage | None = None
    hidden: QPainterPath = field(default_factory=QPainterPath)
    whole: list[QImage] = field(default_factory=list)  # the completed picture and its halves
    agreement: QImage | None = None  # of all samples
    agreed: float = 1.0  # 0 to 1: the part of what any sample has that all have


def build(
    size: tuple[int, int],
    mask: Mask | None,
    amodal: Mask | None = None,
    completed: Image | None = None,
    strength: float = TINT,
    amodals: Sequence[Mask] = (),
) -> Overlay:
    """The overlay for a picture of ``size`` (width, height). Masks may be smaller, as previews are. ``amodals`` are
    those of all samples."""
    tint = hidden_tint = None
    outline, hidden = QPainterPath(), QPainterPath()
    if mask is not None:
        inside = mask.inside
        tint = _tint(inside, theme.VISIBLE, strength)
        outline = _fitted(path_of(outlines(inside)), inside, size)
    if amodal is not None:
        whole = amodal.inside
        seen = _sampled(mask.inside, whole.shape) if mask is not None else np.zeros_like(whole)
        hidden_tint = _tint(whole & ~seen, theme.HIDDEN, strength * 0.8)
        hidden = _fitted(path_of(hidden_outlines(whole, seen)), whole, size)
    levels = pyramid(qimage_of(completed.pixels)) if completed is not None else []
    agreement, agreed = _agreement(amodals) if amodals else (None, 1.0)
    return Overlay(tint, outline, hidden_tint, hidden, levels, agreement, agreed)


def _agreement(amodals: Sequence[Mask]) -> tuple[QImage, float]:
    share, agreed = pictures.agreement([reduced(amodal.inside)[0] for amodal in amodals])
    return qimage_of_tint(pictures.striped(share, _rgb(theme.SURE), _rgb(theme.UNSURE))), agreed


def _sampled(inside: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = (np.arange(n) * old // n for n, old in zip(shape, inside.shape, strict=True))
    return inside[rows[:, None], columns]


def _tint(inside: np.ndarray, colour: str, strength: float) -> QImage:
    return qimage_of_tint(pictures.tinted(reduced(inside)[0], _rgb(colour), strength))


def _rgb(colour: str) -> tuple[int, int, int]:
    rgb = QColor(colour)
    return rgb.red(), rgb.green(), rgb.blue()


def _fitted(path: QPainterPath, inside: np.ndarray, size: tuple[int, int]) -> QPainterPath:
    height, width = inside.shape
    if (width, height) == size:
        return path
    return QTransform.fromScale(size[0] / width, size[1] / height).map(path)
