"""Everything about one object on one sheet: the picture, its masks, the completed picture and the solid."""

from __future__ import annotations

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from .views import PAPER, on_paper

_CELL, _GAP, _TITLE = 360, 16, 34
_INK = (40, 40, 40)
_VISIBLE, _HIDDEN = np.array([0, 114, 178]), np.array([230, 159, 0])  # blue and orange: distinct to all eyes
_TINT = 0.55
_TURNS = (0.0, 0.125, 0.375, 0.625)  # which of the views round the object tell most


def overview(
    image: np.ndarray,
    mask: np.ndarray,
    amodal_mask: np.ndarray,
    completed: np.ndarray,
    views: list[np.ndarray],
    caption: str = "",
) -> np.ndarray:
    """uint8 H x W x 3: one row of picture, visible part, whole object and completed picture, then a row of views.

    ``image`` uint8 H x W x 3 or 4; the masks bool or uint8 H x W; ``completed`` uint8 H x W x 4; four of ``views``
    (uint8 S x S x 4, one turn). ``caption`` is one line at the bottom.
    """
    visible, whole = np.asarray(mask) > 0, np.asarray(amodal_mask) > 0
    picture = on_paper(image)
    top = [
        ("Picture", picture),
        ("Visible part", _tinted(picture, [(visible, _VISIBLE)])),
        ("Whole object", _tinted(picture, [(visible & whole, _VISIBLE), (whole & ~visible, _HIDDEN)])),
        ("Completed", on_paper(_close_up(completed, whole))),
    ]
    chosen = [views[int(len(views) * turn)] for turn in _TURNS]
    bottom = [("Mesh" if k == 0 else "", on_paper(view)) for k, view in enumerate(chosen)]
    width = 4 * (_CELL + _GAP) + _GAP
    rows = [_row(top), _row(bottom)]
    height = sum(row.height for row in rows) + (_TITLE if caption else 0) + _GAP
    sheet = Picture.new("RGB", (width, height), _colour(PAPER))
    y = 0
    for row in rows:
        sheet.paste(row, (0, y))
        y += row.height
    if caption:
        ImageDraw.Draw(sheet).text((_GAP, y + 4), caption, fill=_INK, font=_font())
    return np.asarray(sheet)


def _row(cells: list[tuple[str, np.ndarray]]) -> Picture.Image:
    pictures = [(title, Picture.fromarray(np.ascontiguousarray(pixels))) for title, pixels in cells]
    for _, picture in pictures:
        picture.thumbnail((_CELL, _CELL), Picture.Resampling.LANCZOS)
    titled = any(title for title, _ in cells)
    tallest = max(picture.height for _, picture in pictures)
    row = Picture.new("RGB", (4 * (_CELL + _GAP) + _GAP, tallest + _GAP + (_TITLE if titled else 0)), _colour(PAPER))
    draw = ImageDraw.Draw(row)
    for k, (title, picture) in enumerate(pictures):
        left, top = _GAP + k * (_CELL + _GAP), _GAP
        if titled:
            draw.text((left, top), title, fill=_INK, font=_font())
            top += _TITLE - 8
        row.paste(picture, (left + (_CELL - picture.width) // 2, top + (tallest - picture.height) // 2))
    return row


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=18)


def _colour(colour: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(channel) for channel in colour)
    return red, green, blue


def _tinted(picture: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    tinted = picture.astype(np.float32)
    for where, colour in parts:
        tinted[where] = tinted[where] * (1 - _TINT) + colour * _TINT
    return np.rint(tinted).astype(np.uint8)


def _close_up(completed: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The part of ``completed`` around the object, with a little room."""
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    if not len(rows):
        return completed
    room = max(4, (rows[-1] - rows[0] + columns[-1] - columns[0]) // 20)
    top, left = max(0, rows[0] - room), max(0, columns[0] - room)
    return completed[top : rows[-1] + room + 1, left : columns[-1] + room + 1]
