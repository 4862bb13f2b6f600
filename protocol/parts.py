"""A mesh with labelled faces, taken apart into its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .descriptions import LabelInfo
from .values import Mesh

_GREY = (184, 184, 184)


@dataclass(frozen=True, eq=False)
class Part:
    """The faces of one ``label``: its ``name`` and sRGB ``colour`` in the palette, which of the whole's ``faces``
    (bool F) it has, and the ``vertices`` (int V') of the whole that they use, in order."""

    label: int
    name: str
    colour: tuple[int, int, int]
    faces: np.ndarray
    vertices: np.ndarray


def unnamed(number: int) -> LabelInfo:
    """What stands for the label of an id that a palette does not have."""
    return LabelInfo(f"part {number}", _GREY)


def parts_of(mesh: Mesh, labels: Sequence[LabelInfo]) -> list[Part]:
    """The parts that ``mesh`` has by their ids, each under the name of its label; none of a mesh without labels."""
    if mesh.face_labels is None:
        return []
    parts = []
    for number in np.unique(mesh.face_labels).tolist():
        known = labels[number] if number < len(labels) else unnamed(number)
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
