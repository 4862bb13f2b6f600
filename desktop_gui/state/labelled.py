"""What a label map gave: a field on the server, and how it looks from one side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol import Camera, Handle, Image, LabelMap, Mesh, Outputs
from protocol.labels import painted
from protocol.messages import LabelInfo

from .drawing import BACKGROUND, Drawing
from .orbit import Orbit

SYNTHESIZE = "synthesize"  # what makes objects from labels, as the server calls it


@dataclass(frozen=True, eq=False)
class Made:
    """The answer to ``drawing``: ``image`` and ``labels`` show ``field`` as ``camera``, the drawing's, sees it."""

    drawing: Drawing
    field: Handle
    image: Image
    labels: LabelMap
    camera: Camera

    @classmethod
    def of(cls, drawing: Drawing, outputs: Outputs) -> Made:
        """From the outputs of `synthesize` or `edit`."""
        return cls(drawing, outputs["field"], outputs["image"], outputs["labels"], outputs["camera"])


@dataclass(frozen=True, eq=False)
class View:
    """One picture of a field from ``orbit``; ``coarse`` ones are small, made while something better is on its way."""

    orbit: Orbit
    image: Image
    labels: LabelMap | None = None
    coarse: bool = False

    @classmethod
    def of(cls, orbit: Orbit, outputs: Outputs, coarse: bool) -> View:
        """From the outputs of `render` for one camera."""
        labels = outputs["label_maps"][0] if "label_maps" in outputs else None
        return cls(orbit, outputs["views"][0], labels, coarse)

    def coloured(self, palette: tuple[LabelInfo, ...]) -> np.ndarray | None:
        """The parts in their colours: uint8 H x W x 4, the background transparent. None where nobody knows them."""
        if self.labels is None:
            return None
        ids = self.labels.ids
        alpha = np.where(ids == BACKGROUND, 0, 255).astype(np.uint8)
        return np.concatenate([painted(ids, palette), alpha[..., None]], axis=-1)


def face_coloured(mesh: Mesh, palette: tuple[LabelInfo, ...]) -> Mesh:
    """``mesh`` with each face in its label's colour, so that no two faces share a vertex; unchanged without labels."""
    if mesh.face_labels is None:
        return mesh
    colours = painted(np.repeat(mesh.face_labels, 3)[None], palette)[0]
    opaque = np.full((len(colours), 1), 255, np.uint8)
    faces = np.arange(3 * len(mesh.faces), dtype=np.int32).reshape(-1, 3)
    return Mesh(mesh.vertices[mesh.faces.reshape(-1)], faces, np.concatenate([colours, opaque], axis=1))
