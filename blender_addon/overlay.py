"""What is drawn over the picture in the Image Editor: masks, the whole object, agreement, points, the box."""

from __future__ import annotations

import itertools
from typing import Any

import bpy
import numpy as np

from . import compat
from .properties import box_of, points_of
from .session import current

ON_OBJECT = (0.15, 0.85, 0.35, 1.0)
OFF_OBJECT = (0.95, 0.25, 0.20, 1.0)
BOX = (1.0, 0.85, 0.15, 1.0)
_RIM = (0.0, 0.0, 0.0, 1.0)

_handlers: list[Any] = []
_textures: dict[str, tuple[np.ndarray, Any]] = {}  # by image name: what was drawn last, and its texture
_shaders: list[Any] = []

drag: list[float] = []  # the box being dragged: x0, y0, x1, y1 in pixels of the image


def to_region(region: Any, image: Any, x: float, y: float) -> tuple[float, float]:
    """A pixel of the image (y down) in the region's coordinates."""
    width, height = image.size
    return region.view2d.view_to_region(x / max(width, 1), 1 - y / max(height, 1), clip=False)


def to_image(region: Any, image: Any, x: float, y: float) -> tuple[float, float]:
    """A place in the region in pixels of the image (y down), also outside it."""
    u, v = region.view2d.region_to_view(x, y)
    width, height = image.size
    return u * width, (1 - v) * height


def _quad(x0: float, y0: float, x1: float, y1: float) -> list[tuple[float, float]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _triangles(polygon: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A convex polygon's corners as triangles around the first one."""
    pairs = itertools.pairwise(polygon[1:])
    return [corner for second, third in pairs for corner in (polygon[0], second, third)]


def _draw_plain(polygon: list[tuple[float, float]], colour: tuple[float, ...]) -> None:
    from gpu_extras.batch import batch_for_shader

    shader = compat.builtin_shader("UNIFORM_COLOR")
    batch = batch_for_shader(shader, "TRIS", {"pos": _triangles(polygon)})
    shader.bind()
    shader.uniform_float("color", colour)
    batch.draw(shader)


def _texture(name: str) -> Any | None:
    import gpu

    wanted = current().overlay(name, bpy.context.scene.wholeform.show)
    if wanted is None:
        _textures.pop(name, None)
        return None
    drawn, texture = _textures.get(name, (None, None))
    if drawn is not wanted:
        height, width = wanted.shape[:2]
        floats = wanted.astype(np.float32).ravel() / 255  # textures are filled from floats alone
        data = gpu.types.Buffer("FLOAT", width * height * 4, floats)
        texture = gpu.types.GPUTexture((width, height), format="RGBA8", data=data)
        _textures[name] = (wanted, texture)
    return texture


def _draw_over(region: Any, image: Any) -> None:
    from gpu_extras.batch import batch_for_shader

    texture = _texture(image.name)
    if texture is None:
        return
    width, height = image.size
    x0, y0 = to_region(region, image, 0, height)
    x1, y1 = to_region(region, image, width, 0)
    if not _shaders:
        _shaders.append(compat.picture_shader())
    shader = _shaders[0]
    corners = {"pos": _triangles(_quad(x0, y0, x1, y1)), "texCoord": _triangles(_quad(0, 0, 1, 1))}
    batch = batch_for_shader(shader, "TRIS", corners)
    shader.bind()
    shader.uniform_sampler("image", texture)
    batch.draw(shader)


def _draw_point(region: Any, image: Any, x: float, y: float, on_object: bool, scale: float) -> None:
    """A disc, with a plus or a minus in it, so that colour is not all that tells them apart."""
    cx, cy = to_region(region, image, x, y)
    for radius, colour in ((8 * scale, _RIM), (6.5 * scale, ON_OBJECT if on_object else OFF_OBJECT)):
        corners = [(0.38, 0.92), (0.92, 0.38), (0.92, -0.38), (0.38, -0.92)]
        ring = corners + [(-a, -b) for a, b in corners]
        _draw_plain([(cx + a * radius, cy + b * radius) for a, b in ring], colour)
    arm, thin = 4 * scale, 1 * scale
    _draw_plain(_quad(cx - arm, cy - thin, cx + arm, cy + thin), _RIM)
    if on_object:
        _draw_plain(_quad(cx - thin, cy - arm, cx + thin, cy + arm), _RIM)


def _draw_box(region: Any, image: Any, box: list[float], scale: float) -> None:
    x0, y0 = to_region(region, image, box[0], box[1])
    x1, y1 = to_region(region, image, box[2], box[3])
    thick = 1.5 * scale
    low_x, high_x, low_y, high_y = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    for rim, colour in ((thick + scale, _RIM), (thick, BOX)):
        for edge in (
            _quad(low_x - rim, low_y - rim, high_x + rim, low_y + rim),
            _quad(low_x - rim, high_y - rim, high_x + rim, high_y + rim),
            _quad(low_x - rim, low_y - rim, low_x + rim, high_y + rim),
            _quad(high_x - rim, low_y - rim, high_x + rim, high_y + rim),
        ):
            _draw_plain(edge, colour)


def _draw() -> None:
    import gpu

    space = bpy.context.space_data
    image = getattr(space, "image", None)
    if image is None or image.size[0] == 0 or getattr(space, "mode", "VIEW") == "UV":
        return
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    _draw_over(region, image)
    box = list(drag) if drag else box_of(image)
    if box is not None:
        _draw_box(region, image, box, scale)
    for x, y, label in points_of(image):
        _draw_point(region, image, x, y, label > 0, scale)
    gpu.state.blend_set("NONE")


def forget_textures() -> None:
    """Free the textures; they come again when they are drawn."""
    _textures.clear()


def register() -> None:
    _handlers.append(bpy.types.SpaceImageEditor.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    while _handlers:
        bpy.types.SpaceImageEditor.draw_handler_remove(_handlers.pop(), "WINDOW")
    forget_textures()
    _shaders.clear()
    drag.clear()
