"""What a job brought, made ready for Blender on the network thread, so that the main thread has little left to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .axes import to_blender
from .pictures import revealed, thumbnail, tint
from .png import encode
from .protocol import Image, Job, JobState, Mask, Mesh, Problem

THUMBNAIL = 128
OVERLAY = 640
TINT_COLOUR = (25, 165, 255)


@dataclass(frozen=True)
class ReadyMesh:
    """A mesh in Blender's axes, still in the cube of side 1: ``vertices`` float32 V x 3, ``faces`` int32 F x 3,
    ``colours`` float32 V x 4 (sRGB, 0..1), ``corner_uvs`` float32 3F x 2, ``texture`` a PNG file."""

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray | None
    corner_uvs: np.ndarray | None
    texture: bytes | None


@dataclass(frozen=True)
class ReadyResult:
    """The end of a job. ``completed`` is the first sample as a PNG file; ``revealed`` shows each one in its place."""

    job: str
    mesh: ReadyMesh | None
    completed: bytes | None
    thumbnails: list[np.ndarray]
    tint: np.ndarray | None
    revealed: list[np.ndarray]


@dataclass(frozen=True)
class ReadySamples:
    """The other samples as PNG files, the first included; they come a little after the result."""

    job: str
    completed: list[bytes]


@dataclass(frozen=True)
class ReadyPreview:
    """Something to look at before the end: thumbnails and a tint where the stage showed any."""

    job: str
    stage: str
    thumbnails: list[np.ndarray]
    tint: np.ndarray | None
    mesh: ReadyMesh | None


@dataclass(frozen=True)
class NotReady:
    """A result that could not be made ready."""

    job: str
    problem: Problem


Ready = ReadyResult | ReadySamples | ReadyPreview | NotReady


@dataclass
class Preparer:
    """Remembers which previews it has shown; used by the network thread alone."""

    _shown: dict[tuple[str, str], int] = field(default_factory=dict)

    def previews(self, job: Job) -> Iterator[Ready]:
        """The previews of ``job`` that are new."""
        for stage, values in list(job.previews.items()):
            if self._shown.get((job.id, stage)) != id(values):
                self._shown[job.id, stage] = id(values)
                mesh = values.get("mesh")
                rough = ready_mesh(mesh) if isinstance(mesh, Mesh) else None
                yield ReadyPreview(job.id, stage, *_looks(values), rough)

    def result(self, job: Job) -> Iterator[Ready]:
        """What ``job`` brought, in the order in which it is wanted. Nothing unless it is done."""
        self._shown = {key: value for key, value in self._shown.items() if key[0] != job.id}
        if job.outputs is None or job.state is not JobState.DONE:
            return
        values = {name: job.outputs[name] for name in job.outputs.names}
        thumbnails, drawn = _looks(values)
        completed = [value.pixels for value in _many(values.get("completed")) if isinstance(value, Image)]
        first = encode(completed[0]) if completed else None
        mesh = values.get("mesh")
        ready = ready_mesh(mesh) if isinstance(mesh, Mesh) else None
        shown = [revealed(pixels, OVERLAY) for pixels in completed if pixels.shape[2] == 4]
        yield ReadyResult(job.id, ready, first, thumbnails, drawn, shown)
        if first is not None:
            yield ReadySamples(job.id, [first, *(encode(pixels) for pixels in completed[1:])])


def ready_mesh(mesh: Mesh) -> ReadyMesh:
    """``mesh`` (glTF axes) in the form that importing writes, without faces that use a vertex twice: Blender cannot
    hold them."""
    first, second, third = mesh.faces.T
    faces = mesh.faces[(first != second) & (second != third) & (third != first)]
    colours = None if mesh.colours is None else mesh.colours.astype(np.float32) / np.float32(255)
    corner_uvs = None if mesh.uvs is None else np.ascontiguousarray(mesh.uvs[faces.ravel()])
    texture = None if mesh.texture is None else encode(mesh.texture)
    return ReadyMesh(to_blender(mesh.vertices), faces, colours, corner_uvs, texture)


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _looks(values: dict[str, Any]) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Thumbnails of the pictures among ``values`` and the tint of the visible mask."""
    pictures = [item.pixels for value in values.values() for item in _many(value) if isinstance(item, Image)]
    mask: Any = values.get("mask")
    drawn = tint(mask.pixels, OVERLAY, TINT_COLOUR) if isinstance(mask, Mask) else None
    return [thumbnail(pixels, THUMBNAIL) for pixels in pictures], drawn
