"""Task `reconstruct`: from the picture, its masks and the completed picture to a field that stays on the server."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.pipelines.context import Context
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Image, Mask

STEPS = 2


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gives the field's handle; info: models and placement (where the mesh's cube sits in the picture, in pixels).

    Raises ProblemError (BAD_INPUT) when the pictures and masks differ in size or the object is too small.
    """
    image, mask = inputs["image"], inputs["mask"]
    completed = with_alpha(inputs["completed"], mask)
    occluders = inputs.get("occluders")
    check_sizes(image, mask=mask, occluders=occluders, completed=completed)
    context.stage("reconstruct", STEPS, "Building the shape")
    field = context.model(parameters["model"]).reconstruct(
        image.rgb,
        mask.inside,
        None if occluders is None else occluders.inside,
        completed.pixels,
        parameters["quality"],
        context,
    )
    handle = context.keep("field", field, field.nbytes)
    info = {"models": {"reconstruct": parameters["model"]}, "placement": field.placement}
    return {"field": handle}, info


def check_sizes(image: Image, **others: Image | Mask | None) -> None:
    """ProblemError (BAD_INPUT) unless every picture and mask given is as large as ``image``."""
    for name, other in others.items():
        if other is not None and other.pixels.shape[:2] != image.pixels.shape[:2]:
            height, width = other.pixels.shape[:2]
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"Input “{name}” is {width} x {height} pixels, the picture {image.width} x {image.height}.",
                "Give all of them in the picture's size.",
            )


def with_alpha(completed: Image, mask: Mask) -> Image:
    """``completed`` as RGBA; one without alpha is taken to be complete already, with the visible mask as alpha."""
    if completed.pixels.shape[2] == 4:
        return completed
    check_sizes(completed, mask=mask)
    return Image(np.dstack([completed.pixels, mask.pixels]))
