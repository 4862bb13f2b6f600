"""The `inflate` model: a picture's silhouette blown up into a solid, coloured with the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.meshes.texture import planar_texture, planar_uvs, sample_colours
from protocol.values import Mesh

from .height import squared_height
from .silhouette import Silhouette, trace
from .surface import closed_surface

_CELLS = {"draft": 96, "standard": 192, "best": 288}
_PLAIN_TEXTURE = 512  # what vertex colours are taken from when no texture is wanted


@dataclass(frozen=True)
class InflatedField:
    """A shape |z| = h(x, y) with the completed picture on both sides.

    ``squared_height`` float32 n x n over the object's square, ``cells`` grid cells along its side; ``centre`` and
    ``side`` place the mesh's unit cube in the picture, in pixels: x = (px - cx) / side, y = (cy - py) / side.
    ``cutout`` uint8 H x W x 4 (alpha = the whole object) is the part of the picture whose first pixel is ``corner``.
    """

    squared_height: np.ndarray
    cells: int
    cutout: np.ndarray
    corner: tuple[int, int]
    centre: tuple[float, float]
    side: float

    @property
    def nbytes(self) -> int:
        return self.squared_height.nbytes + self.cutout.nbytes

    @property
    def placement(self) -> dict[str, Any]:
        """Where the mesh's unit cube sits in the picture: {"centre": [x, y], "side": s} in pixels."""
        return {"centre": [round(n, 3) for n in self.centre], "side": round(self.side, 3)}

    def mesh(self, faces: int, texture_size: int, context: Any) -> Mesh:
        """A watertight mesh of at most about ``faces`` triangles (thin or pierced shapes may need more).

        One planar projection serves front and back, so there is no seam and the mesh stays closed in every file
        format. ``texture_size`` 0 gives vertex colours alone.
        """
        vertices, triangles = closed_surface(self.squared_height, self.cells, faces, context.check)
        context.check()
        middle = (self.centre[0] - self.corner[0], self.centre[1] - self.corner[1])
        texture = planar_texture(self.cutout, middle, self.side, texture_size or _PLAIN_TEXTURE)
        uvs = planar_uvs(vertices)
        colours = sample_colours(texture, uvs)
        if not texture_size:
            return Mesh(vertices, triangles, colours)
        return Mesh(vertices, triangles, colours, uvs, texture)


class Inflate:
    """Needs no weights and no device: one sparse solve on the silhouette."""

    def reconstruct(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        occluders: np.ndarray | None,
        completed: np.ndarray,
        quality: str,
        context: Any,
    ) -> InflatedField:
        """The field of the object in ``completed`` (uint8 H x W x 4, alpha = amodal mask).

        ``image``, ``mask`` and ``occluders`` are what other models go by; here the completed picture says it all.
        ``quality`` draft, standard or best sets the grid. Raises ProblemError (BAD_INPUT) if the object is too small.
        """
        del image, mask, occluders
        context.step(0, "Tracing the outline")
        outline = trace(completed[..., 3] >= 128, _CELLS[quality])
        context.step(1, "Inflating it")
        height = squared_height(outline)
        context.step(2, "")
        cutout, corner = _cut_out(completed, outline)
        return InflatedField(height, outline.cells, cutout, corner, outline.centre, outline.side)


def _cut_out(picture: np.ndarray, outline: Silhouette) -> tuple[np.ndarray, tuple[int, int]]:
    """The part of ``picture`` around the outline, and (x, y) of its first pixel: what the field needs to keep."""
    reach = outline.side * 0.55 + 2
    left, top = (max(0, int(middle - reach)) for middle in outline.centre)
    right, bottom = (int(middle + reach) + 1 for middle in outline.centre)
    return picture[top:bottom, left:right].copy(), (left, top)


def load(device: str = "cpu") -> Inflate:
    """The model; ``device`` makes no difference."""
    del device
    return Inflate()
