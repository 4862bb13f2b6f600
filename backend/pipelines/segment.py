"""Task `segment`: the visible mask of what a person points at."""

from __future__ import annotations

from typing import Any

from backend.pipelines.context import Context
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Array, Image, Mask


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Info: the model. ProblemError: BAD_PARAMETER when the prompt does not fit the picture, MODEL_FAILED when nothing
    is found there."""
    image: Image = inputs["image"]
    name = parameters["model"]
    context.stage("segment", 1, "Looking at the picture")
    found, confidence = context.model(name).segment(image.rgb, parameters["points"], parameters["box"], context)
    if not found.any():
        raise ProblemError(
            ErrorCode.MODEL_FAILED,
            "Nothing was found there.",
            "Click in the middle of the object, or draw a box around it.",
        )
    context.step(1)
    return {"mask": Mask.of(found), "confidence": Array(confidence)}, {"models": {"segment": name}}
