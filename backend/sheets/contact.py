"""A contact sheet: many labelled pictures on one, for a person to look over."""

from __future__ import annotations

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from .views import PAPER, on_paper

_GAP, _TITLE = 8, 20
_INK = (40, 40, 40)
_GOLDEN = 0.618034  # of a turn of hue from one id to the next: neighbours never look alike


def contact_sheet(cells: list[tuple[str, np.ndarray]], columns: int, side: int = 160) -> np.ndarray:
    """uint8 H x W x 3: ``cells``, each a title and a picture (uint8 h x w x 3 or 4), in rows of ``columns``.

    Pictures are scaled to fit a square of ``side`` pixels, small ones to whole multiples so that pixels stay square.
    """
    rows = -(-len(cells) // columns)
    across, down = side + _GAP, side + _TITLE + _GAP
    red, green, blue = (int(channel) for channel in PAPER)
    sheet = Picture.new("RGB", (columns * across + _GAP, rows * down + _GAP), (red, green, blue))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for number, (title, pixels) in enumerate(cells):
        left, top = _GAP + number % columns * across, _GAP + number // columns * down
        draw.text((left, top), title, fill=_INK, font=font)
        picture = _fitted(Picture.fromarray(np.ascontiguousarray(on_paper(pixels))), side)
        sheet.paste(picture, (left + (side - picture.width) // 2, top + _TITLE + (side - picture.height) // 2))
    return np.asarray(sheet)


def coloured(ids: np.ndarray) -> np.ndarray:
    """uint8 H x W x 3: a label or panoptic map with a colour for each id, 0 dark grey."""
    present, places = np.unique(ids, return_inverse=True)
    hue = present.astype(np.float64) * _GOLDEN % 1
    turns = np.stack([hue, hue + 2 / 3, hue + 1 / 3], axis=1) % 1
    light = np.clip(np.abs(6 * turns - 3) - 1, 0, 1) * (0.55 + 0.45 * (present % 3 / 2))[:, None]
    colours = np.rint(40 + 215 * light).astype(np.uint8)
    colours[present == 0] = 60
    return colours[places].reshape(*ids.shape, 3)


def _fitted(picture: Picture.Image, side: int) -> Picture.Image:
    longest = max(picture.size)
    if longest > side:
        picture.thumbnail((side, side), Picture.Resampling.LANCZOS)
        return picture
    factor = side // longest
    return picture.resize((picture.width * factor, picture.height * factor), Picture.Resampling.NEAREST)
