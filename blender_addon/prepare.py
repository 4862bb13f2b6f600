"""What a job brought, made ready for Blender in the companion process, so that Blender's own has little left to do.

PNG files are arrays of their bytes, uint8, as arrays travel to Blender without being copied.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from .axes import to_blender
from .pictures import agreed, agreement, bounds, outlined, revealed, thumbnail, tint
from .png import encode
from .protocol import Image, Job, JobState, Mask, Mesh, Problem
from .protocol.messages import LabelInfo
from .protocol.parts import unnamed

THUMBNAIL = 128
OVERLAY = 640
TINT_COLOUR = (25, 165, 255)
HIDDEN_COLOUR = (255, 164, 36)
SURE_COLOUR = (20, 200, 150)
UNSURE_COLOUR = (230, 60, 200)


@dataclass(frozen=True)
class ReadyMesh:
    """A mesh in Blender's axes, still in the cube of side 1: ``vertices`` float32 V x 3, ``faces`` int32 F x 3,
    ``colours`` float32 V x 4 (sRGB, 0..1), ``corner_uvs`` float32 3F x 2, ``texture`` a PNG file. ``placement`` says
    where the cube is in the picture: "centre" (x, y) and "side" in pixels. A ``cut_out`` is a flat piece of the
    completed picture, which is its texture. ``parts`` are the names and colours (sRGB) of what it consists of, and
    ``face_parts`` int32 F says which of them each face is, where that is known."""

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray | None
    corner_uvs: np.ndarray | None
    texture: np.ndarray | None = None
    placement: dict[str, Any] | None = None
    cut_out: bool = False
    parts: tuple[LabelInfo, ...] = ()
    face_parts: np.ndarray | None = None


@dataclass(frozen=True)
class Looks:
    """What can be drawn over the picture once there is a result: for each sample its ``outlined`` mask and the object
    ``revealed`` in its place; for all of them where they have the ``agreement`` that ``agreed`` (0..1) sums up."""

    outlined: list[np.ndarray]
    revealed: list[np.ndarray]
    agreement: np.ndarray | None = None
    agreed: float = 1.0


@dataclass(frozen=True)
class ReadySample:
    """One sample as PNG files."""

    completed: np.ndarray
    mask: np.ndarray | None


class ReadyResult(msgspec.Struct, frozen=True, tag=True):
    """The end of a job. ``mask`` is what is visible of the object, ``tint`` its looks; ``meshes`` are by sample: the
    first one's mesh, or every one's cut-out where no mesh was asked for; ``first`` is the first sample."""

    job: str
    mask: Mask | None
    meshes: dict[int, ReadyMesh]
    first: ReadySample | None
    thumbnails: list[np.ndarray]
    tint: np.ndarray | None
    looks: Looks


class ReadySamples(msgspec.Struct, frozen=True, tag=True):
    """All samples, the first included; they come a little after the result."""

    job: str
    samples: list[ReadySample]


class ReadyPreview(msgspec.Struct, frozen=True, tag=True):
    """Something to look at before the end: thumbnails and a tint where the stage showed any."""

    job: str
    stage: str
    thumbnails: list[np.ndarray]
    tint: np.ndarray | None
    mesh: ReadyMesh | None


class NotReady(msgspec.Struct, frozen=True, tag=True):
    """A result that could not be made ready."""

    job: str
    problem: Problem


Ready = ReadyResult | ReadySamples | ReadyPreview | NotReady


@dataclass
class Preparer:
    """Remembers which previews it has shown; used by one thread alone."""

    _shown: dict[tuple[str, str], int] = field(default_factory=dict)

    def previews(self, job: Job) -> Iterator[Ready]:
        """The previews of ``job`` that are new."""
        for stage, values in list(job.previews.items()):
            if self._shown.get((job.id, stage)) != id(values):
                self._shown[job.id, stage] = id(values)
                mesh = values.get("mesh")
                rough = ready_mesh(mesh) if isinstance(mesh, Mesh) else None
                yield ReadyPreview(job.id, stage, *_seen(values), rough)

    def result(self, job: Job) -> Iterator[Ready]:
        """What ``job`` brought, in the order in which it is wanted. Nothing unless it is done."""
        self._shown = {key: value for key, value in self._shown.items() if key[0] != job.id}
        if job.outputs is None or job.state is not JobState.DONE:
            return
        values = {name: job.outputs[name] for name in job.outputs.names}
        thumbnails, drawn = _seen(values)
        completed = [value.pixels for value in _many(values.get("completed")) if isinstance(value, Image)]
        masks = [value.pixels for value in _many(values.get("amodal_masks")) if isinstance(value, Mask)]
        samples = list(itertools.zip_longest(completed, masks[: len(completed)]))
        mesh = values.get("mesh")
        if isinstance(mesh, Mesh):
            meshes = {0: ready_mesh(mesh, job.info.get("placement"), job.info.get("labels", ()))}
        else:
            meshes = {index: cut_out(pixels) for index, pixels in enumerate(completed) if pixels.shape[2] == 4}
        first = _ready_sample(*samples[0]) if samples else None
        seen = values.get("mask")
        visible = seen if isinstance(seen, Mask) else None
        looks = _looks(visible, completed, masks)
        yield ReadyResult(job.id, visible, meshes, first, thumbnails, drawn, looks)
        if first is not None:
            yield ReadySamples(job.id, [first, *(_ready_sample(*sample) for sample in samples[1:])])


def _ready_sample(completed: np.ndarray, mask: np.ndarray | None) -> ReadySample:
    return ReadySample(_file(completed), None if mask is None else _file(mask))


def _file(picture: np.ndarray) -> np.ndarray:
    return np.frombuffer(encode(picture), np.uint8)


def ready_mesh(mesh: Mesh, placement: dict[str, Any] | None = None, labels: Sequence[Any] = ()) -> ReadyMesh:
    """``mesh`` (glTF axes) in the form that importing writes, without faces that use a vertex twice: Blender cannot
    hold them. ``labels`` are what a job's info says of its faces' labels."""
    first, second, third = mesh.faces.T
    sound = (first != second) & (second != third) & (third != first)
    faces = mesh.faces[sound]
    parts, face_parts = (), None
    if mesh.face_labels is not None:
        present, face_parts = np.unique(mesh.face_labels[sound], return_inverse=True)
        parts = tuple(_part(int(number), labels) for number in present)
        face_parts = face_parts.reshape(-1).astype(np.int32)
    colours = None if mesh.colours is None else mesh.colours.astype(np.float32) / np.float32(255)
    corner_uvs = None if mesh.uvs is None else np.ascontiguousarray(mesh.uvs[faces.ravel()])
    texture = None if mesh.texture is None else _file(mesh.texture)
    vertices = to_blender(mesh.vertices)
    return ReadyMesh(vertices, faces, colours, corner_uvs, texture, placement, parts=parts, face_parts=face_parts)


def _part(number: int, labels: Sequence[Any]) -> LabelInfo:
    """The label of that id among those of a job's info; one by its number where they do not say."""
    known = next((label for label in labels if isinstance(label, dict) and label.get("id") == number), None)
    if known is None:
        return unnamed(number)
    red, green, blue = known["colour"]
    return LabelInfo(str(known["name"]), (red, green, blue))


def cut_out(picture: np.ndarray) -> ReadyMesh:
    """An upright rectangle, front towards -Y, that shows the part of ``picture`` (uint8 H x W x 4) with the object."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = bounds(picture)
    side = max(x1 - x0, y1 - y0)
    right, up = (x1 - x0) / side / 2, (y1 - y0) / side / 2
    vertices = np.array([[-right, 0, -up], [right, 0, -up], [right, 0, up], [-right, 0, up]], np.float32)
    corners = np.array([[x0, y1], [x1, y1], [x1, y0], [x0, y0]], np.float32)
    uvs = corners / np.array([width, -height], np.float32) + np.array([0, 1], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    placement = {"centre": [(x0 + x1) / 2, (y0 + y1) / 2], "side": float(side)}
    return ReadyMesh(vertices, faces, None, uvs[faces.ravel()], placement=placement, cut_out=True)


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _seen(values: dict[str, Any]) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Thumbnails of the pictures among ``values`` and the tint of the visible mask."""
    pictures = [item.pixels for value in values.values() for item in _many(value) if isinstance(item, Image)]
    mask: Any = values.get("mask")
    drawn = tint(mask.pixels, OVERLAY, TINT_COLOUR) if isinstance(mask, Mask) else None
    return [thumbnail(pixels, THUMBNAIL) for pixels in _closer(pictures)], drawn


def _closer(pictures: list[np.ndarray]) -> list[np.ndarray]:
    """``pictures`` without what is transparent around the object in all of them: what differs is easier to see."""
    if not pictures or any(picture.shape[2] != 4 or picture.shape != pictures[0].shape for picture in pictures):
        return pictures
    lefts, tops, rights, bottoms = zip(*(bounds(picture) for picture in pictures), strict=True)
    return [picture[min(tops) : max(bottoms), min(lefts) : max(rights)] for picture in pictures]


def _looks(mask: Mask | None, completed: list[np.ndarray], masks: list[np.ndarray]) -> Looks:
    shown = [revealed(pixels, OVERLAY) for pixels in completed if pixels.shape[2] == 4]
    if not masks:
        return Looks([], shown)
    seen = mask.pixels if mask is not None else np.zeros_like(masks[0])
    drawn = [outlined(seen, whole, OVERLAY, TINT_COLOUR, HIDDEN_COLOUR) for whole in masks]
    return Looks(drawn, shown, agreed(masks, OVERLAY, SURE_COLOUR, UNSURE_COLOUR), agreement(masks))
