"""Task `render`: pictures of a mesh or field from cameras given, or from a ring of views around it."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.fields.cameras import fitted_ring
from backend.meshes.lighting import on_backdrop
from backend.meshes.renderers import renderer
from backend.pipelines.context import Context
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera, Image, Mesh

_FACES, _TEXTURE = 20_000, 1024  # of the mesh that is made to draw a field
_SAMPLE = 4_000  # vertices that the cameras are fitted to


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gives the views in the cameras' order; info: the renderer and how many views.

    Raises ProblemError (BAD_INPUT) when there is nothing to draw or a camera is none.
    """
    mesh = _object(context, inputs)
    sample = mesh.vertices[:: max(1, len(mesh.vertices) // _SAMPLE)].astype(np.float64)
    cameras: list[Camera] = inputs.get("cameras") or fitted_ring(
        sample, parameters["views"], parameters["elevation"], parameters["fov"]
    )
    context.stage("render", len(cameras), "Drawing the views")
    drawer = renderer()
    views = []
    for done, camera in enumerate(cameras, start=1):
        picture = drawer.render(mesh, camera, parameters["size"])
        views.append(Image(picture if parameters["transparent"] else on_backdrop(picture)))
        context.step(done)
    return {"views": views}, {"renderer": drawer.name, "views": len(views)}


def _object(context: Context, inputs: dict[str, Any]) -> Mesh:
    if "mesh" in inputs:
        return inputs["mesh"]
    if "object" not in inputs:
        raise ProblemError(
            ErrorCode.BAD_INPUT, "There is nothing to draw.", "Give a mesh, or a handle to one or to a field."
        )
    thing = context.handle(inputs["object"], ("mesh", "field"))
    return thing if isinstance(thing, Mesh) else thing.mesh(_FACES, _TEXTURE, context)
