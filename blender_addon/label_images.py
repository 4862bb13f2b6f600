"""Label maps as images that are painted on: made, read, written, and what they are painted with."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from . import compat, images, places
from .label_views import camera_numbers, camera_of, labels_of, labels_text, thinned
from .pictures import from_floats
from .png import encode
from .protocol import Camera, ErrorCode, LabelMap, ProblemError
from .protocol.labels import nearest, painted, resized
from .protocol.messages import LabelInfo, ModelInfo

_MODEL, _LABELS, _CAMERA = "wholeform_model", "wholeform_labels", "wholeform_camera"


def make(name: str, model: ModelInfo, side: int) -> Any:
    """A new image, ``side`` pixels square, all background, with the palette of ``model`` stored on it."""
    image = images.from_png(name, encode(painted(np.zeros((side, side), np.uint16), model.labels)))
    image[_MODEL], image[_LABELS] = model.name, labels_text(model.labels)
    return image


def labels(image: Any | None) -> list[LabelInfo]:
    """The palette that ``image`` is painted with; none of an image that is no label map."""
    return labels_of(image.get(_LABELS, "")) if image is not None else []


def model_name(image: Any) -> str:
    return str(image.get(_MODEL, ""))


def camera(image: Any) -> Camera | None:
    """The camera that the map is seen from, where it is not its model's own."""
    return camera_of(image.get(_CAMERA, ()))


def floats(image: Any) -> np.ndarray:
    """float32, flat: the pixels as Blender has them, bottom row first. ProblemError (BAD_INPUT) without any."""
    width, height = image.size
    if not width or not height:
        raise ProblemError(ErrorCode.BAD_INPUT, f"The image “{image.name}” has no pixels.", "Make a new label map.")
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels


def read(image: Any, pixels: np.ndarray, side: int) -> LabelMap:
    """The label map that ``pixels`` (from `floats`) of ``image`` show, its longer side at most ``side``. Soft brushes
    leave colours between two labels': each pixel is the nearest label's. ProblemError (BAD_INPUT) for no label map."""
    palette = labels(image)
    if not palette:
        raise ProblemError(ErrorCode.BAD_INPUT, f"“{image.name}” is no label map.", "Make one: New Label Map.")
    width, height = image.size
    few = thinned(pixels.reshape(height, width, image.channels), side)
    rows, columns = few.shape[:2]
    flat = np.ascontiguousarray(few).ravel()
    return nearest(from_floats(flat, columns, rows, image.channels, linear=bool(image.is_float)), palette)


def write(image: Any, label_map: LabelMap, seen_from: Camera) -> None:
    """Have ``image`` show ``label_map``, in its own size and colours, as seen from there."""
    width, height = image.size
    pixels = painted(resized(label_map, height, width).ids, labels(image))
    images.from_png(image.name, encode(pixels), replace=image)
    image[_CAMERA] = camera_numbers(seen_from)


def keep(image: Any) -> None:
    """Have the .blend file hold what ``image`` shows now."""
    width, height = image.size
    pixels = from_floats(floats(image), width, height, image.channels, linear=bool(image.is_float))
    images.pack(image, encode(pixels))


def take_up(context: Any, image: Any, index: int) -> None:
    """Paint with label ``index`` from now on: its colour becomes the brush's, whose rim is hard, and the palette of
    ``image`` is at hand in Blender's own brush settings."""
    known = labels(image)
    compat.take_hard_brush(context, "Label Brush")
    context.tool_settings.image_paint.palette = _palette(f"{model_name(image)} labels", known)
    compat.set_brush_colour(context, known[index].colour)


def _palette(name: str, known: list[LabelInfo]) -> Any:
    """Blender's palette of that name, with these colours alone."""
    palette = bpy.data.palettes.get(name) or bpy.data.palettes.new(name)
    if len(palette.colors) != len(known):
        palette.colors.clear()
        for _ in known:
            palette.colors.new()
    for entry, label in zip(palette.colors, known, strict=True):
        compat.set_colour(entry, label.colour)
    return palette


def show(image: Any) -> None:
    """Show ``image`` in an Image Editor, ready to be painted on."""
    area = places.show_image(image)
    if area is not None:
        area.spaces.active.mode = "PAINT"
