"""What tasks that draw are asked to draw: a mesh, a field as the mesh made of it, or a labelled field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from backend.fields.cameras import Angles, alike, fitted
from backend.meshes.renderers import renderer
from backend.pipelines.context import Context
from backend.pipelines.labelled import LabelledObject
from backend.pipelines.part import Quiet
from protocol.messages import LabelInfo
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera, Mesh

_FACES, _TEXTURE = 20_000, 1024  # of the mesh that is made to draw a field
_SAMPLE = 4_000  # vertices that the cameras are fitted to
_TOGETHER = 4  # views of a labelled field that a GPU draws at once


@dataclass(frozen=True)
class View:
    """``image`` uint8 S x S x 4, straight alpha; of a labelled field also ``labels`` uint16 and ``depth`` float32."""

    image: np.ndarray
    labels: np.ndarray | None = None
    depth: np.ndarray | None = None


class Subject(Protocol):
    """``renderer`` says how it is drawn, ``labels`` what its views' labels mean (none without labels)."""

    renderer: str
    labels: list[LabelInfo]

    def cameras(self, angles: list[Angles], fov: float) -> list[Camera]:
        """Cameras at ``angles`` from which it fills the picture."""
        ...

    def draw(self, cameras: list[Camera], size: int) -> Iterator[View]: ...


class MeshSubject:
    """A mesh, drawn as a surface in a light of its own."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._renderer = renderer()
        self.renderer = self._renderer.name
        self.labels: list[LabelInfo] = []

    def cameras(self, angles: list[Angles], fov: float) -> list[Camera]:
        vertices = self._mesh.vertices
        return fitted(vertices[:: max(1, len(vertices) // _SAMPLE)].astype(np.float64), angles, fov)

    def draw(self, cameras: list[Camera], size: int) -> Iterator[View]:
        for camera in cameras:
            yield View(self._renderer.render(self._mesh, camera, size))


class FieldSubject:
    """A labelled field, drawn by itself."""

    renderer = "field"

    def __init__(self, thing: LabelledObject, context: Context) -> None:
        self._field, self._context = thing.field, Quiet(context)
        self.labels = thing.labels

    def cameras(self, angles: list[Angles], fov: float) -> list[Camera]:
        return alike(self._field.camera, angles, fov)

    def draw(self, cameras: list[Camera], size: int) -> Iterator[View]:
        together = 1 if self._context.device == "cpu" else _TOGETHER
        for start in range(0, len(cameras), together):
            for view in self._field.render(cameras[start : start + together], size, self._context):
                yield View(view.image, view.labels, view.depth)


def subject_of(context: Context, inputs: dict[str, Any]) -> Subject:
    """What is to be drawn. ProblemError: BAD_INPUT when nothing is given, NOT_FOUND when it is gone."""
    if "mesh" in inputs:
        return MeshSubject(inputs["mesh"])
    if "object" not in inputs:
        raise ProblemError(
            ErrorCode.BAD_INPUT, "There is nothing to draw.", "Give a mesh, or a handle to one or to a field."
        )
    thing = context.handle(inputs["object"], ("mesh", "field"))
    if isinstance(thing, LabelledObject):
        return FieldSubject(thing, context)
    return MeshSubject(thing if isinstance(thing, Mesh) else thing.mesh(_FACES, _TEXTURE, context))
