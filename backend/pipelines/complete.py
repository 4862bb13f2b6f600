"""Task `complete`: several hypotheses of the whole object from its visible part."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.pipelines import segment
from backend.pipelines.context import Context
from backend.pipelines.part import Part
from backend.pipelines.reconstruct import check_sizes
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Array, Image, Mask

_POINTING = 0.4  # of the time, where the visible part must be found first


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Info: the models, the seed, and the score that each sample has from its model, in their order. Without a mask the
    prompt's is found first, or without a prompt that of what stands out most. ProblemError (BAD_INPUT) when the masks
    do not fit the picture or show nothing; else as `segment` raises."""
    image: Image = inputs["image"]
    occluders: Mask | None = inputs.get("occluders")
    check_sizes(image, mask=inputs.get("mask"), occluders=occluders)
    models = {"complete": parameters["model"]}
    share = (0.0, 1.0)
    if "mask" in inputs:
        mask: Mask = inputs["mask"]
    else:
        share = (_POINTING, 1.0)
        pointing = {name: parameters[name] for name in ("points", "box")} | {"model": parameters["segment_model"]}
        pointed, report = segment.run(Part(context, (0.0, _POINTING)), {"image": image}, pointing)
        mask = pointed["mask"]
        models |= report["models"]
    if not mask.inside.any():
        raise ProblemError(ErrorCode.BAD_INPUT, "The visible mask is empty.", "Point at the object first.")
    samples, seed = parameters["samples"], parameters["seed"]
    context = Part(context, share)
    context.stage("complete", samples, "Completing the hidden part")
    hidden_by = None if occluders is None else occluders.inside & ~mask.inside
    found = context.model(parameters["model"]).complete(
        image.rgb, mask.inside, hidden_by, samples, seed, context, parameters["quality"]
    )
    wholes = [whole for _, whole, _ in found]
    outputs = {
        "mask": mask,
        "completed": [Image(rgba) for rgba, _, _ in found],
        "amodal_masks": [Mask.of(whole) for whole in wholes],
        "agreement": Array(np.asarray(np.mean(wholes, axis=0), np.float32)),
    }
    return outputs, {"models": models, "seed": seed, "scores": [round(score, 4) for _, _, score in found]}
