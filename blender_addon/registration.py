"""What register and unregister do, in order. Nothing here connects or waits."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import (
    choosing,
    connecting,
    ghost,
    images,
    joblist,
    label_jobs,
    label_panel,
    labelling,
    overlay,
    panels,
    parameters,
    pointing,
    preferences,
    prompts,
    properties,
    running,
    serving,
    session,
    sources,
    statusbar,
    thumbnails,
    timer,
)
from .protocol import ProblemError

_CLASSES: tuple[type, ...] = (
    *preferences.CLASSES,
    *serving.CLASSES,
    *sources.CLASSES,
    *prompts.CLASSES,
    *running.CLASSES,
    *joblist.CLASSES,
    *choosing.CLASSES,
    *pointing.CLASSES,
    *labelling.CLASSES,
    *panels.CLASSES,
    *label_panel.CLASSES,
)


@persistent
def _before_load(*_: Any) -> None:
    pointing.stop()
    images.forget_pixels()
    overlay.forget_textures()


@persistent
def _after_load(*_: Any) -> None:
    """Another file: its images are not those that were pointed at, and results made for the old one must be asked for.
    The form's class stays, as it belongs to the server."""
    current = session.current()
    current.file += 1
    current.masks.clear()
    current.tints.clear()
    current.revealed.clear()
    for painting in current.paintings.values():
        ghost.hide(label_jobs.ghost_name(painting))
    current.paintings.clear()
    timer.ensure()


def _start_connecting() -> None:
    """A moment after the start: connect, if the person wants that and a server can be asked."""
    if not preferences.get().connect_at_start:
        return
    try:
        connecting.connect()
    except ProblemError as error:
        session.current().note = str(error)


def register() -> None:
    session.start(f"blender {bpy.app.version_string}")
    properties.register()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    preferences.ensure_local()
    overlay.register()
    ghost.register()
    statusbar.register()
    choosing.register()
    bpy.app.handlers.load_pre.append(_before_load)
    bpy.app.handlers.load_post.append(_after_load)
    bpy.app.timers.register(_start_connecting, first_interval=1.0, persistent=True)


def unregister() -> None:
    timer.stop()
    if bpy.app.timers.is_registered(_start_connecting):
        bpy.app.timers.unregister(_start_connecting)
    bpy.app.handlers.load_post.remove(_after_load)
    bpy.app.handlers.load_pre.remove(_before_load)
    pointing.stop()
    sources.unregister()
    choosing.unregister()
    statusbar.unregister()
    ghost.unregister()
    overlay.unregister()
    session.end()
    parameters.remove()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    properties.unregister()
    thumbnails.clear()
    images.forget_pixels()
