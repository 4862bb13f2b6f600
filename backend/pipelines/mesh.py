"""Task `mesh`: a closed, coloured mesh of a field."""

from __future__ import annotations

from typing import Any

from backend.pipelines.context import Context
from backend.pipelines.labelled import LabelledObject, told
from protocol.values import Handle, Mesh


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gives the mesh and a handle to it; info: how many vertices and faces, the placement of the field, and of a
    labelled one what its faces' labels mean."""
    thing = context.handle(inputs["field"], "field")
    field = thing.field if isinstance(thing, LabelledObject) else thing
    context.stage("mesh", 1, "Making the mesh")
    mesh: Mesh = field.mesh(parameters["faces"], parameters["texture_size"], context)
    context.step(1)
    handle = keep_mesh(context, mesh)
    info = {"vertices": len(mesh.vertices), "faces": len(mesh.faces), "placement": field.placement}
    if isinstance(thing, LabelledObject):
        info["labels"] = told(thing.labels)
    return {"mesh": mesh, "mesh_handle": handle}, info


def keep_mesh(context: Context, mesh: Mesh) -> Handle:
    """A handle to ``mesh`` on the server."""
    return context.keep("mesh", mesh, sum(array.nbytes for array in mesh.arrays().values()))
