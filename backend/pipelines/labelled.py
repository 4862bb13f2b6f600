"""Labelled fields: what a model of them must give, and what tasks that make one give back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from backend.pipelines.context import Context
from backend.pipelines.part import Quiet
from protocol.messages import LabelInfo
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera, Handle, Image, LabelMap, Mesh

_PREVIEW = 64  # side of the picture that is shown before the one asked for
_MADE, _FOLLOWED = 0.2, 0.85  # of a stage, when the field is there and when it follows its label map


class LabelledView(Protocol):
    """A field as one camera sees it: ``image`` uint8 H x W x 4 (straight alpha), ``labels`` uint16 H x W, ``depth``
    float32 H x W in field units, 0 where nothing is."""

    image: np.ndarray
    labels: np.ndarray
    depth: np.ndarray


class LabelledField(Protocol):
    """A shape with colours and parts in the cube of side 1. ``labels`` are the parts' names by id (none where it was
    drawn), ``palette`` their sRGB colours, ``camera`` is where its label map is seen from."""

    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def palette(self) -> tuple[tuple[int, int, int], ...]: ...
    @property
    def camera(self) -> Camera: ...
    @property
    def placement(self) -> dict[str, Any]: ...
    @property
    def nbytes(self) -> int: ...

    def render(self, cameras: list[Camera], size: int, context: Any) -> list[Any]:
        """A LabelledView of ``size`` x ``size`` pixels for each camera."""
        ...

    def mesh(self, faces: int, texture_size: int, context: Any) -> Mesh: ...


@dataclass(frozen=True)
class LabelledObject:
    """What a handle to a labelled field holds: the ``field``, and the name of the ``model`` that made it and can change
    it."""

    model: str
    field: LabelledField

    @property
    def labels(self) -> list[LabelInfo]:
        """The palette by id."""
        pairs = zip(self.field.labels, self.field.palette, strict=True)
        return [LabelInfo(name, colour) for name, colour in pairs]


def told(labels: list[LabelInfo]) -> list[dict[str, Any]]:
    """A palette as it stands in a job's info."""
    return [{"id": number, "name": label.name, "colour": list(label.colour)} for number, label in enumerate(labels)]


def labelled_object(context: Context, handle: Handle) -> LabelledObject:
    """The labelled field that ``handle`` names. ProblemError: NOT_FOUND when it is gone, BAD_INPUT when it holds
    anything else."""
    thing = context.handle(handle, "field")
    if not isinstance(thing, LabelledObject):
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            "The field given has no labels.",
            "Give a field from synthesize, edit or mix.",
        )
    return thing


def begin(context: Context, stage: str, message: str) -> None:
    """Begin the ``stage`` of a task that makes a field."""
    context.stage(stage, 1, message, (0.0, _MADE))


def followed(context: Context, stage: str, model: Any, field: LabelledField, quality: str, size: int) -> Any:
    """``field`` as ``quality`` asks: shown at once as it is, unless what will be shown comes as soon and is no larger,
    then brought nearer to its label maps by ``model``."""
    context.step(1)
    if quality != "draft" or size > _PREVIEW:
        (small,) = field.render([field.camera], _PREVIEW, Quiet(context))
        context.preview(stage, image=Image(small.image), labels=LabelMap(small.labels))
    return model.agree(field, quality, context, stage, (_MADE, _FOLLOWED))


def finish(
    context: Context, stage: str, model: str, field: LabelledField, size: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outputs and info of a task whose ``stage`` has made ``field`` with ``model``: the field is kept on the
    server, and drawn from its own camera."""
    made = LabelledObject(model, field)
    context.stage(stage, 1, "Drawing it", (_FOLLOWED, 1.0))
    (view,) = field.render([field.camera], size, Quiet(context))
    context.step(1)
    outputs = {
        "field": context.keep("field", made, field.nbytes),
        "image": Image(view.image),
        "labels": LabelMap(view.labels),
        "camera": field.camera,
    }
    return outputs, {"models": {stage: model}, "labels": told(made.labels), "placement": field.placement}
