"""Task `complete`: several hypotheses of the whole object from its visible part."""

from __future__ import annotations

from typing import Any

from backend.pipelines.context import Context
from backend.pipelines.reconstruct import check_sizes
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Image, Mask


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Info: the model, the seed, and the score of each sample, best first. ProblemError (BAD_INPUT) when the masks do
    not fit the picture or show nothing."""
    image: Image = inputs["image"]
    mask: Mask = inputs["mask"]
    occluders: Mask | None = inputs.get("occluders")
    check_sizes(image, mask=mask, occluders=occluders)
    if not mask.inside.any():
        raise ProblemError(ErrorCode.BAD_INPUT, "The visible mask is empty.", "Point at the object first.")
    name, samples, seed = parameters["model"], parameters["samples"], parameters["seed"]
    context.stage("complete", samples, "Completing the hidden part")
    model = context.model(name)
    hidden_by = None if occluders is None else occluders.inside & ~mask.inside
    found = model.complete(image.rgb, mask.inside, hidden_by, samples, seed, context)
    outputs = {
        "completed": [Image(rgba) for rgba, _, _ in found],
        "amodal_masks": [Mask.of(whole) for _, whole, _ in found],
    }
    return outputs, {"models": {"complete": name}, "seed": seed, "scores": [round(score, 4) for _, _, score in found]}
