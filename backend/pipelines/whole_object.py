"""Task `whole_object`: segment, complete, reconstruct and mesh as one job, with a preview after every stage."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from backend.pipelines import complete, mesh, reconstruct, segment
from backend.pipelines.context import Context
from backend.pipelines.part import Part
from protocol.values import Image, Mask, Mesh, Value

_WEIGHT = {"segment": 4.0, "complete": 3.0, "reconstruct": 1.0, "mesh": 2.0}  # about how long each takes
_PREVIEW_FACES = 2_000

Stage = Callable[[Context, dict[str, Any], dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]]


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Stages whose result is given (``mask``, ``completed``) are skipped. The mesh is that of the first sample.

    Info: models used, seed, parameters, seconds a stage, placement of the mesh in the picture, and what the stages
    themselves report. Raises ProblemError as the stages do.
    """
    image: Image = inputs["image"]
    reconstruct.check_sizes(image, **{name: inputs.get(name) for name in ("mask", "occluders", "completed")})
    mask = _mask_given(inputs, parameters)
    skipped = {"segment": mask is not None, "complete": "completed" in inputs}
    job = _Job(context, parameters, [name for name in _WEIGHT if not skipped.get(name)])
    shared = {name: inputs[name] for name in ("image", "occluders") if name in inputs}

    if mask is None:
        pointing = {name: parameters[name] for name in ("points", "box")}
        mask = job.run(segment.run, "segment", {"image": image}, pointing)["mask"]
    context.preview("segment", mask=mask)

    completed: list[Value]
    amodal_masks: list[Value]
    if "completed" in inputs:
        picture = reconstruct.with_alpha(inputs["completed"], mask)
        completed, amodal_masks = [picture], [Mask.of(picture.pixels[..., 3] >= 128)]
    else:
        choice = {name: parameters[name] for name in ("quality", "samples", "seed")}
        made = job.run(complete.run, "complete", {**shared, "mask": mask}, choice)
        completed, amodal_masks = made["completed"], made["amodal_masks"]
    context.preview("complete", completed=completed, amodal_masks=amodal_masks)

    field = job.run(
        reconstruct.run,
        "reconstruct",
        {**shared, "mask": mask, "completed": completed[0]},
        {"quality": parameters["quality"]},
    )["field"]
    rough: Mesh = context.handle(field, "field").mesh(_PREVIEW_FACES, 0, context)
    context.preview("reconstruct", mesh=Mesh(rough.vertices, rough.faces))
    context.preview("mesh", mesh=rough)

    solid = job.run(mesh.run, "mesh", {"field": field}, {name: parameters[name] for name in ("faces", "texture_size")})
    results = {"mask": mask, "completed": completed, "amodal_masks": amodal_masks, "field": field, **solid}
    return results, job.info(parameters)


class _Job:
    """Runs the stages one after the other, each in its share of the progress, and notes what they report."""

    def __init__(self, context: Context, parameters: dict[str, Any], stages: list[str]) -> None:
        self._context = context
        self._parameters = parameters
        bounds = np.cumsum([0.0, *(_WEIGHT[name] for name in stages)])
        bounds = [float(bound / bounds[-1]) for bound in bounds]
        self._shares = {name: (bounds[k], bounds[k + 1]) for k, name in enumerate(stages)}
        self._seconds: dict[str, float] = {}
        self._reports: dict[str, Any] = {}
        self._models: dict[str, str] = {}

    def run(self, stage: Stage, name: str, inputs: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
        """The stage's outputs."""
        model = self._parameters.get(f"{name}_model")
        if model is not None:
            parameters = {**parameters, "model": model}
        began = time.monotonic()
        outputs, report = stage(Part(self._context, self._shares[name]), inputs, parameters)
        self._seconds[name] = round(time.monotonic() - began, 3)
        if model is not None:
            self._models[name] = report.get("models", {}).get(name, model)  # another one where nothing is pointed at
        self._reports[name] = {key: value for key, value in report.items() if key not in ("models", "seconds")}
        return outputs

    def info(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {
            "models": self._models,
            "seed": parameters["seed"],
            "parameters": parameters,
            "seconds": self._seconds,
            "placement": self._reports["mesh"].pop("placement"),
            "stages": self._reports,
        }


def _mask_given(inputs: dict[str, Any], parameters: dict[str, Any]) -> Mask | None:
    """The visible mask, where it need not be found. If a completion is given and nobody points at anything, what is
    visible is the completed object less what stands before it."""
    if "mask" in inputs:
        return inputs["mask"]
    completed: Image | None = inputs.get("completed")
    pointed = bool(parameters["points"]) or parameters["box"] is not None
    if completed is None or completed.pixels.shape[2] == 3 or pointed:
        return None
    whole = completed.pixels[..., 3] >= 128
    return Mask.of(whole & ~inputs["occluders"].inside if "occluders" in inputs else whole)
