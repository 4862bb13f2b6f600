"""Small pictures for the panel: the samples of each job, what is made from label maps, and colours, as icons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy.utils.previews
import numpy as np

from .prepare import THUMBNAIL

_SWATCH = 32  # pixels a side

_collections: list[Any] = []


def put(owner: str, pictures: Sequence[np.ndarray]) -> None:
    """Make or refresh the icons of ``pictures`` (float32, flat, THUMBNAIL x THUMBNAIL RGBA) of that ``owner``."""
    for index, pixels in enumerate(pictures):
        _put(f"{owner} {index}", pixels, THUMBNAIL)


def drop(owner: str) -> None:
    """Free the icon of the first picture of ``owner``."""
    if _collections and f"{owner} 0" in _collections[0]:
        del _collections[0][f"{owner} 0"]


def icon(owner: str, index: int) -> int:
    """The icon of one picture, 0 when there is none."""
    name = f"{owner} {index}"
    if not _collections or name not in _collections[0]:
        return 0
    return _collections[0][name].icon_id


def swatch(colour: tuple[int, int, int]) -> int:
    """The icon of a colour (sRGB)."""
    name = f"swatch {bytes(colour).hex()}"
    if not _collections or name not in _collections[0]:
        square = np.empty((_SWATCH, _SWATCH, 4), np.float32)
        square[:] = (0.2, 0.2, 0.2, 1.0)  # a rim, or white would not show on a light theme
        square[2:-2, 2:-2, :3] = np.array(colour, np.float32) / 255
        preview = _put(name, square.ravel(), _SWATCH)
        preview.icon_size = (_SWATCH, _SWATCH)  # the small form is what buttons show
        preview.icon_pixels_float.foreach_set(square.ravel())
    return _collections[0][name].icon_id


def _put(name: str, pixels: np.ndarray, side: int) -> Any:
    if not _collections:
        _collections.append(bpy.utils.previews.new())
    collection = _collections[0]
    preview = collection[name] if name in collection else collection.new(name)
    preview.image_size = (side, side)
    preview.image_pixels_float.foreach_set(pixels)
    return preview


def clear() -> None:
    """Free all icons."""
    while _collections:
        bpy.utils.previews.remove(_collections.pop())
