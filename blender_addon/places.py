"""Finding windows, editors and the scene from a timer, where Blender's context is almost empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import bpy

from . import compat

EDITORS = ("VIEW_3D", "IMAGE_EDITOR")


def first_window() -> Any | None:
    """A window with a screen, or None when Blender runs without any."""
    manager = bpy.context.window_manager
    return next((window for window in manager.windows if window.screen), None) if manager is not None else None


def in_window() -> AbstractContextManager[Any]:
    """A context in which operators find a window, also from a timer."""
    window = bpy.context.window or first_window()
    return bpy.context.temp_override(window=window) if window is not None else nullcontext()


def scene_and_layer(name: str = "") -> tuple[Any, Any]:
    """The scene called ``name`` where it exists, else the one that is open, and the view layer to select in."""
    window = bpy.context.window or first_window()
    scene = window.scene if window is not None else bpy.context.scene
    layer = window.view_layer if window is not None else bpy.context.view_layer
    wanted = bpy.data.scenes.get(name) if name else None
    if wanted is not None and wanted != scene:
        return wanted, wanted.view_layers[0]
    return scene, layer


def areas(kind: str) -> Iterator[Any]:
    """All areas of that editor type in all windows."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type == kind:
                yield area


def region_of(area: Any, kind: str = "WINDOW") -> Any | None:
    """The area's region of that type."""
    return next((region for region in area.regions if region.type == kind), None)


def redraw(*kinds: str) -> None:
    """Have the panels of both editors and the status bar drawn anew, and the whole of the editors in ``kinds``."""
    for kind in EDITORS:
        for area in areas(kind):
            for region in area.regions:
                if kind in kinds or region.type == "UI":
                    region.tag_redraw()
    compat.redraw_status_bar()


def show_image(image: Any) -> Any | None:
    """Show ``image`` in an Image Editor and return its area; None where there is none and no room for one."""
    area = next(areas("IMAGE_EDITOR"), None) or _make_room()
    if area is not None:
        area.spaces.active.image = image
        area.tag_redraw()
    return area


def _make_room() -> Any | None:
    """Split the largest 3D viewport and make one half an Image Editor."""
    window = bpy.context.window or first_window()
    if window is None or bpy.app.background:
        return None
    views = [area for area in window.screen.areas if area.type == "VIEW_3D"]
    if not views:
        return None
    view = max(views, key=lambda area: area.width * area.height)
    before = set(window.screen.areas)
    with bpy.context.temp_override(window=window, area=view, region=region_of(view)):
        bpy.ops.screen.area_split(direction="VERTICAL", factor=0.5)
    new = next((area for area in window.screen.areas if area not in before), None)
    if new is not None:
        new.type = "IMAGE_EDITOR"
    return new
