"""Images of the .blend file: reading their pixels, making new ones from PNG files, naming them safely."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .compat import session_uid
from .pictures import from_floats
from .placement import View
from .protocol import ErrorCode, Image, ProblemError
from .session import Picture

VIEW_PROPERTY = "wholeform_view"

_cache: dict[str, Any] = {}


def picture_of(image: Any) -> Picture:
    """The name by which the add-on remembers ``image``."""
    view = tuple(float(n) for n in image.get(VIEW_PROPERTY, ()))
    return Picture(image.name, session_uid(image), view, (int(image.size[0]), int(image.size[1])))


def find(picture: Picture | None) -> Any | None:
    """The image that ``picture`` names, also after it was renamed; None when it is gone."""
    if picture is None:
        return None
    named = bpy.data.images.get(picture.name)
    if not picture.uid or (named is not None and session_uid(named) == picture.uid):
        return named
    return next((image for image in bpy.data.images if session_uid(image) == picture.uid), named)


def label_of(image: Any) -> str:
    """A short name for what is made from ``image``: "mug" from "mug.jpg" or "mug.jpg.001"."""
    name = image.name
    if len(name) > 4 and name[-4] == "." and name[-3:].isdigit():
        name = name[:-4]
    return Path(name).stem or "object"


def remember_view(image: Any, view: View) -> None:
    """Store on ``image`` which camera took it."""
    image[VIEW_PROPERTY] = view.numbers()


def _stamp(image: Any) -> tuple[Any, ...] | None:
    """Equal stamps mean equal pixels; None where that cannot be told."""
    if image.is_dirty or image.source not in ("FILE", "GENERATED") or not session_uid(image):
        return None
    try:
        changed = os.stat(bpy.path.abspath(image.filepath)).st_mtime_ns if image.filepath else 0
    except OSError:
        changed = 0
    return session_uid(image), image.filepath, changed, tuple(image.size), image.colorspace_settings.name


def read(image: Any) -> Image:
    """The image's pixels as the wire wants them. The last one read is kept, so that every click on it is cheap.

    Raises ProblemError (BAD_INPUT) for an image without pixels.
    """
    stamp = _stamp(image)
    if stamp is not None and _cache.get("stamp") == stamp:
        return _cache["image"]
    width, height = image.size
    if image.type in ("RENDER_RESULT", "COMPOSITING") or width == 0 or height == 0:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"The image “{image.name}” has no pixels that can be read.",
            "Open it from a file, or use Render for what the camera sees.",
        )
    channels = image.channels
    pixels = np.empty(width * height * channels, np.float32)
    image.pixels.foreach_get(pixels)
    value = Image(from_floats(pixels, width, height, channels, linear=bool(image.is_float)))
    _cache.clear()
    if stamp is not None:
        _cache.update(stamp=stamp, image=value)
    return value


def forget_pixels() -> None:
    """Drop the pixels kept by `read`."""
    _cache.clear()


def from_png(name: str, data: bytes | np.ndarray, replace: Any | None = None) -> Any:
    """An sRGB image packed into the .blend file from the bytes of a PNG file; into ``replace`` where given."""
    image = replace if replace is not None else bpy.data.images.new(name, 1, 1, alpha=True)
    pack(image, data)
    if replace is not None:
        image.buffers_free()  # or the old pixels stay
        image.update()  # and in the editors too
    return image


def pack(image: Any, data: bytes | np.ndarray) -> None:
    """Have the .blend file hold the PNG file ``data`` (sRGB) for ``image``. Left to itself, Blender makes one of the
    pixels, which takes it ten times as long."""
    image.pack(data=bytes(data), data_len=len(data))
    image.source = "FILE"
    image.colorspace_settings.name = "sRGB"
