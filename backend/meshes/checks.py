"""Is a mesh sound? What a slicer, a boolean modifier or a simulation asks of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.values import Mesh

from .files import to_trimesh


@dataclass(frozen=True)
class MeshReport:
    """``watertight``: every edge has two faces. ``consistent``: all faces wind the same way. ``volume`` in cubed units,
    positive when faces point outwards. ``parts``: separate closed shells. ``thinnest``: least angle in degrees."""

    vertices: int
    faces: int
    watertight: bool
    consistent: bool
    volume: float
    parts: int
    thinnest: float

    @property
    def sound(self) -> bool:
        return self.watertight and self.consistent and self.volume > 0


def check_mesh(mesh: Mesh) -> MeshReport:
    """A report on ``mesh`` as it is: vertices that share a place are not merged."""
    shape = to_trimesh(mesh)
    return MeshReport(
        vertices=len(mesh.vertices),
        faces=len(mesh.faces),
        watertight=bool(shape.is_watertight),
        consistent=bool(shape.is_winding_consistent),
        volume=float(shape.volume),
        parts=int(shape.body_count),
        thinnest=float(np.degrees(shape.face_angles.min())),
    )
