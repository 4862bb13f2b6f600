"""A labelled mesh taken apart by its faces' labels, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protocol.messages import LabelInfo
from protocol.values import Mesh

_GREY = (184, 184, 184)


@dataclass(frozen=True)
class Part:
    """The faces of one ``label``: its ``name`` and sRGB ``colour`` in the palette, which of the whole's ``faces``
    (bool F) it has, and the ``vertices`` (int V') of the whole that they use, in order."""

    label: int
    name: str
    colour: tuple[int, int, int]
    faces: np.ndarray
    vertices: np.ndarray


def parts_of(mesh: Mesh, labels: Sequence[LabelInfo]) -> list[Part]:
    """The parts that ``mesh`` has by their ids, each under the name of its label; none of a mesh without labels."""
    if mesh.face_labels is None:
        return []
    parts = []
    for number in np.unique(mesh.face_labels).tolist():
        known = labels[number] if number < len(labels) else LabelInfo(f"part {number}", _GREY)
        faces = mesh.face_labels == number
        parts.append(Part(number, known.name, known.colour, faces, np.unique(mesh.faces[faces])))
    return parts


def part_mesh(mesh: Mesh, part: Part) -> Mesh:
    """The faces of ``part`` as a mesh of their own, with the texture of the whole."""
    return Mesh(
        mesh.vertices[part.vertices],
        np.searchsorted(part.vertices, mesh.faces[part.faces]).astype(np.int32),
        None if mesh.colours is None else mesh.colours[part.vertices],
        None if mesh.uvs is None else mesh.uvs[part.vertices],
        mesh.texture,
    )


def joined(meshes: Sequence[Mesh], labels: Sequence[np.ndarray | None]) -> Mesh:
    """All of ``meshes`` as one without textures, with vertex colours where all have them, and with ``labels`` (uint16,
    one a face of each mesh) as those of its faces where none is None."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    colours = [mesh.colours for mesh in meshes if mesh.colours is not None]
    known = [each for each in labels if each is not None]
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + int(start) for mesh, start in zip(meshes, starts, strict=True)]).astype(np.int32),
        np.concatenate(colours) if len(colours) == len(meshes) else None,
        face_labels=np.concatenate(known) if len(known) == len(meshes) else None,
    )


def part_colours(mesh: Mesh, parts: Sequence[Part]) -> list[tuple[int, int, int]]:
    """sRGB of a material for each part: the mean of its vertices' colours, or without them that of the palette."""
    if mesh.colours is None:
        return [part.colour for part in parts]
    means = [np.rint(mesh.colours[part.vertices, :3].mean(axis=0)).astype(int).tolist() for part in parts]
    return [(red, green, blue) for red, green, blue in means]
