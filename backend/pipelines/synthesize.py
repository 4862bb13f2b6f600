"""Task `synthesize`: from a label map or a drawing to a labelled field that stays on the server."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.fields.cameras import view_matrix
from backend.pipelines.context import Context
from backend.pipelines.labelled import begin, finish, followed
from protocol.problems import ErrorCode, ProblemError


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gives the field, its picture and label map, and their camera; info: the model, the seed and the labels.

    Raises ProblemError (BAD_INPUT) without a label map, or a drawing for a model that draws; for a camera that is none;
    and as the model does for ids it does not know.
    """
    if "camera" in inputs:
        view_matrix(inputs["camera"])
    name, seed = parameters["model"], parameters["seed"]
    begin(context, "synthesize", "Making the object")
    model = context.model(name)
    source = _source(inputs, draws=not model.labels)
    camera = inputs.get("camera")
    if camera is None and parameters["find_camera"]:
        camera = model.likely_camera(source, context)
    field = model.synthesize(source, camera, seed, parameters["truncation"], context)
    field = followed(context, "synthesize", model, field, parameters["quality"], parameters["size"])
    outputs, info = finish(context, "synthesize", name, field, parameters["size"])
    return outputs, info | {"seed": seed}


def _source(inputs: dict[str, Any], draws: bool) -> np.ndarray:
    """Ids uint16 H x W, or for a model that ``draws`` a drawing uint8 H x W x 3 or 4."""
    wanted = "drawing" if draws else "label_map"
    if wanted not in inputs:
        given = "a label map" if draws else "a drawing"
        what = (
            f"This model does not take {given}." if inputs.keys() - {"camera"} else "There is nothing to make it from."
        )
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            what,
            f"Give {'a drawing, dark on light' if draws else 'a label map'} or another model.",
        )
    return inputs[wanted].pixels if draws else inputs[wanted].ids
