"""The parts of a labelled mesh, put together again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from protocol.values import Mesh


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
