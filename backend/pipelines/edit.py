"""Task `edit`: a labelled field made anew from a changed label map, in the look that it has."""

from __future__ import annotations

from typing import Any

from backend.fields.cameras import view_matrix
from backend.pipelines.context import Context
from backend.pipelines.labelled import begin, finish, followed, labelled_object


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """As `synthesize`; the field given stays as it is.

    Raises ProblemError: NOT_FOUND when it is gone, BAD_INPUT when it has no labels, for a camera that is none, and as
    the model does for ids it does not know.
    """
    thing = labelled_object(context, inputs["field"])
    camera = inputs.get("camera", thing.field.camera)
    view_matrix(camera)
    seed, keep = parameters["seed"], parameters["keep_style"]
    begin(context, "edit", "Changing the object")
    model = context.model(thing.model)
    field = model.edit(thing.field, inputs["label_map"].ids, camera, keep, seed, context)
    field = followed(context, "edit", model, field, parameters["quality"], parameters["size"])
    outputs, info = finish(context, "edit", thing.model, field, parameters["size"])
    return outputs, info | {"seed": seed, "keep_style": keep}
