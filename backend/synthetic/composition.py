"""A thing put together from named solid parts: its signed distance field, which part is where, and its mesh."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from backend.synthetic import solids
from backend.synthetic.solid_mesh import SolidMesh, mesh_of_field
from backend.synthetic.textures import Paint

Distance = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Part:
    """One solid in its place: ``name`` (several solids may share one), its ``distance`` in its own frame, where that
    frame is (``at``), how it is turned (``turn``: 3 x 3, own to common), its ``paint``, how widely it blends into what
    came before (``blend``), and whether it is cut away instead of added (``cut``)."""

    name: str
    distance: Distance
    paint: Paint
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: np.ndarray = field(default_factory=lambda: np.eye(3, dtype=np.float32))
    blend: float = 0.0
    cut: bool = False

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        own = points - torch.tensor(self.at, dtype=points.dtype, device=points.device)
        return self.distance(own @ torch.from_numpy(self.turn.astype(np.float32)).to(points.device))


@dataclass(frozen=True)
class Composition:
    """``parts`` in the order they were put together; sizes are those of the maker, +Y up, facing +Z."""

    category: str
    parts: tuple[Part, ...]

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names in order of first appearance; what is cut away gives none."""
        return tuple(dict.fromkeys(part.name for part in self.parts if not part.cut))

    def distances(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Signed distance (float32 N) and index of the nearest part's solid (int64 N) at ``points`` (float32 N x 3)."""
        whole = torch.full_like(points[:, 0], torch.inf)
        nearest = torch.full_like(whole, torch.inf)
        owner = torch.zeros_like(whole, dtype=torch.int64)
        for index, part in enumerate(self.parts):
            own = part(points)
            if part.cut:
                whole, nearest = torch.maximum(whole, -own), torch.maximum(nearest, -own)
                continue
            whole = solids.smooth_union(whole, own, part.blend) if index else own
            owner = torch.where(own < nearest, index, owner)
            nearest = torch.minimum(nearest, own)
        return whole, owner

    def mesh(self, resolution: int = 96) -> SolidMesh:
        """The surface at about ``resolution`` cells along the longest side, with parts and colours."""
        vertices, faces = mesh_of_field(lambda points: self.distances(points)[0], resolution)
        points = torch.from_numpy(vertices)
        owner = self.distances(points)[1].numpy()
        colours = np.zeros((len(vertices), 3), np.float32)
        for index in np.unique(owner):
            at = owner == index
            part = self.parts[index]
            own = (vertices[at] - np.float32(part.at)) @ part.turn.astype(np.float32)
            colours[at] = part.paint(own)
        names = self.part_names
        ids = np.array([names.index(part.name) if not part.cut else 0 for part in self.parts])
        # A face belongs to the part of most of its corners.
        corners = np.sort(ids[owner][faces], axis=1)
        return SolidMesh(vertices, faces, np.ascontiguousarray(colours), corners[:, 1], names)


def rotation(axis: str, degrees: float) -> np.ndarray:
    """The turn by ``degrees`` around "x", "y" or "z": float32 3 x 3."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    turn = np.eye(3, dtype=np.float32)
    turn[first, first] = turn[second, second] = cos
    turn[first, second], turn[second, first] = -sin, sin
    return turn
