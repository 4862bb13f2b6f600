"""A labelled field's surface as a mesh: closed, with a colour for each vertex and a label for each face."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.fields.cleaning import largest_part, lightened
from backend.fields.surface import NoSurface, extract_surface
from backend.meshes.labels import face_labels
from backend.models.pix2pix3d.field import LabelledField
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Mesh

_CELLS, _CELLS_FOR_FEW = 256, 128
_FEW = 6_000  # faces


def mesh_of(field: LabelledField, faces: int, context: Any) -> Mesh:
    """About ``faces`` triangles of the largest piece of ``field``'s surface, in the cube of side 1; see
    `LabelledField.mesh`. ProblemError (BAD_INPUT) where it is solid nowhere."""
    config = field.network.config
    cells = _CELLS_FOR_FEW if faces < _FEW else _CELLS
    try:
        found = extract_surface(lambda points: field.at(points)[2], config.iso_level, cells, check=context.check)
    except NoSurface:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            "What was painted has become nothing solid, so there is no mesh of it.",
            "Paint its parts larger and next to each other, or try another style (seed).",
        ) from None
    part = largest_part(found.vertices, found.faces)
    mesh = lightened(part.vertices, part.faces, faces, context.check)
    colours, logits, _ = field.at(mesh.vertices)
    rgba = np.full((len(mesh.vertices), 4), 255, np.uint8)
    rgba[:, :3] = np.clip(colours, 0, 1) * 255 + 0.5
    labels = None
    if not config.draws:
        # What is there is no background, which in these models is where nothing is.
        first = 1 if config.empty_logit else 0
        labels = face_labels(logits[:, first:], mesh.faces) + np.uint16(first)
    return Mesh(mesh.vertices, mesh.faces, rgba, face_labels=labels)
