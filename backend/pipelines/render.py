"""Task `render`: pictures of a mesh or field from cameras given, or from a ring of views around it."""

from __future__ import annotations

from typing import Any

from backend.fields.cameras import ring_angles, view_matrix
from backend.meshes.lighting import on_backdrop
from backend.pipelines.context import Context
from backend.pipelines.labelled import told
from backend.pipelines.subject import subject_of
from protocol.values import Camera, Depth, Image, LabelMap


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gives the views in the cameras' order, of a labelled field with label maps and depths; info: the renderer, how
    many views, and the labels.

    Raises ProblemError (BAD_INPUT) when there is nothing to draw or a camera is none.
    """
    subject = subject_of(context, inputs)
    angles = ring_angles(parameters["views"], parameters["elevation"])
    cameras: list[Camera] = inputs.get("cameras") or subject.cameras(angles, parameters["fov"])
    for camera in cameras:
        view_matrix(camera)
    context.stage("render", len(cameras), "Drawing the views")
    views, label_maps, depths = [], [], []
    for done, view in enumerate(subject.draw(cameras, parameters["size"]), start=1):
        views.append(Image(view.image if parameters["transparent"] else on_backdrop(view.image)))
        if view.labels is not None and view.depth is not None:
            label_maps.append(LabelMap(view.labels))
            depths.append(Depth(view.depth))
        context.step(done)
    info = {"renderer": subject.renderer, "views": len(views)}
    if not label_maps:
        return {"views": views}, info
    return {"views": views, "label_maps": label_maps, "depths": depths}, info | {"labels": told(subject.labels)}
