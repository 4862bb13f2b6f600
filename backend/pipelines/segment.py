"""Task `segment`: the visible mask of what a person points at."""

from __future__ import annotations

from typing import Any

from backend.pipelines.context import Context
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Array, Image, Mask

SALIENT = "u2netp"  # finds what stands out most


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Info: the model that did it. Where nothing is pointed at, models that must be told give way to SALIENT.
    ProblemError: BAD_PARAMETER when the prompt does not fit the picture, MODEL_FAILED when nothing is found there."""
    image: Image = inputs["image"]
    name, points, box = (parameters[each] for each in ("model", "points", "box"))
    context.stage("segment", 1, "Looking at the picture")
    model = context.model(name)
    if not points and box is None and getattr(model, "needs_prompt", False):
        name, model = SALIENT, context.model(SALIENT)
    found, confidence = model.segment(image.rgb, points, box, context)
    if not found.any():
        raise ProblemError(
            ErrorCode.MODEL_FAILED,
            "Nothing was found there.",
            "Click in the middle of the object, or draw a box around it.",
        )
    context.step(1)
    return {"mask": Mask.of(found), "confidence": Array(confidence)}, {"models": {"segment": name}}
