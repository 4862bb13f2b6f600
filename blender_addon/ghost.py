"""The mesh of a running job, drawn where it will stand: nothing enters the file before the job is done."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .compat import builtin_shader
from .placement import Standing
from .prepare import ReadyMesh

_ghosts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
_batches: dict[str, Any] = {}
_handlers: list[Any] = []

_GREY = 0.55


def show(job_id: str, mesh: ReadyMesh, standing: Standing) -> None:
    """Draw ``mesh`` for the job from now on."""
    local = standing.apply(mesh.vertices)
    world = local @ standing.matrix[:3, :3].T.astype(np.float32) + standing.matrix[:3, 3].astype(np.float32)
    corners = world[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    light = 0.45 + 0.55 * np.clip(normals @ np.array([0.3, -0.7, 0.65], np.float32), 0, 1)
    base = np.full((len(world), 4), _GREY, np.float32) if mesh.colours is None else mesh.colours
    colours = base[mesh.faces] * light[:, None, None]
    colours[..., 3] = 0.9
    _ghosts[job_id] = (corners.reshape(-1, 3).astype(np.float32), colours.reshape(-1, 4).astype(np.float32))
    _batches.pop(job_id, None)


def hide(job_id: str) -> None:
    """Draw nothing for the job any more."""
    _ghosts.pop(job_id, None)
    _batches.pop(job_id, None)


def _draw() -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    if not _ghosts:
        return
    shader = builtin_shader("SMOOTH_COLOR")
    gpu.state.depth_test_set("LESS_EQUAL")
    gpu.state.depth_mask_set(True)  # or its back would be drawn over its front
    gpu.state.blend_set("ALPHA")
    for job_id, (positions, colours) in list(_ghosts.items()):
        if job_id not in _batches:
            _batches[job_id] = batch_for_shader(shader, "TRIS", {"pos": positions, "color": colours})
        _batches[job_id].draw(shader)
    gpu.state.blend_set("NONE")
    gpu.state.depth_mask_set(False)
    gpu.state.depth_test_set("NONE")


def register() -> None:
    _handlers.append(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW"))


def unregister() -> None:
    while _handlers:
        bpy.types.SpaceView3D.draw_handler_remove(_handlers.pop(), "WINDOW")
    _ghosts.clear()
    _batches.clear()
