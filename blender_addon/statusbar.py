"""The running job in Blender's status bar: stage, per cent, time left, place in the queue."""

from __future__ import annotations

from typing import Any

import bpy

from . import wording
from .forms import stage_titles
from .session import current


def text() -> str:
    """What the status bar says, empty when no job runs."""
    session = current()
    active = session.active
    if not active:
        return ""
    job = active[0].job
    line = wording.job_line(job, stage_titles(session.catalogue), session.connected, active[0].stopping)
    more = f"  (+{len(active) - 1})" if len(active) > 1 else ""
    return f"{active[0].label}: {line}, {100 * wording.fraction(job):.0f} %{more}"


def _draw(self: Any, context: Any) -> None:
    said = text()
    if said:
        self.layout.label(text=said, icon="MESH_MONKEY")


def register() -> None:
    bpy.types.STATUSBAR_HT_header.append(_draw)


def unregister() -> None:
    bpy.types.STATUSBAR_HT_header.remove(_draw)
