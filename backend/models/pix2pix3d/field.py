"""A field that was made from a label map: seen through cameras, cut into a mesh."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.fields.cameras import view_matrix
from backend.fields.sparse import Occupancy
from backend.models.pix2pix3d.agreeing import Painted
from backend.models.pix2pix3d.cameras import numbers_of
from backend.models.pix2pix3d.generator import Generator, Seen, Volume
from backend.models.pix2pix3d.pictures import colours_of, drawing_of, ids_of
from protocol.values import Camera, Mesh

_FAINT = 0.1  # of the whole opacity: less is nothing, and so much less than all is all
_ASIDE = 0.05  # of the distance that the networks know, by which a camera may be nearer or farther


@dataclass(frozen=True, eq=False)
class LabelledView:
    """``image`` uint8 S x S x 4 (straight alpha), ``labels`` uint16 S x S (of a field made from a drawing the ink, 0 to
    255), ``depth`` float32 S x S along the camera's axis, 0 where nothing is."""

    image: np.ndarray
    labels: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True, eq=False)
class LabelledField:
    """``styles`` 1 x rows x w make the field; ``camera`` is the one its label map was painted through, ``painted`` the
    maps that it was made from, the last one first."""

    network: Generator
    styles: Tensor
    labels: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    camera: Camera
    painted: tuple[Painted, ...] = ()

    @functools.cached_property
    def planes(self) -> Tensor:
        with torch.inference_mode():
            return self.network.planes(self.styles)

    @functools.cached_property
    def _occupancy(self) -> Occupancy:
        with torch.inference_mode():
            return self.network.occupancy(self.planes)

    @property
    def nbytes(self) -> int:
        return self.styles.nbytes + self.planes.nbytes

    @property
    def placement(self) -> dict[str, Any]:
        """It lies in no picture."""
        return {}

    @torch.inference_mode()
    def render(self, cameras: list[Camera], size: int, context: Any) -> list[LabelledView]:
        """A view a camera, ``size`` pixels a side. ProblemError (BAD_INPUT) for what is no camera.

        Views no larger than the volume's own picture are that; larger ones go through the super-resolution.
        """
        for camera in cameras:
            view_matrix(camera)
        views = []
        for done, camera in enumerate(cameras, start=1):
            context.check()
            views.append(self._view(camera, size))
            context.step(done)
        return views

    def volume(self, numbers: Tensor, side: int) -> Volume:
        """The volume through the camera of 1 x 25 ``numbers``, at ``side`` pixels."""
        config = self.network.config
        away = float(numbers[0, [3, 7, 11]].norm())
        known = abs(away - config.radius) < _ASIDE * config.radius
        if config.far and known:
            return self.network.volume(self.planes, numbers, side)
        return self.network.quick_volume(self.planes, self._occupancy, numbers, side)

    def _view(self, camera: Camera, size: int) -> LabelledView:
        config = self.network.config
        numbers = numbers_of([camera], config.box).to(self.styles.device)
        small = size <= config.render_size
        volume = self.volume(numbers, size if small else config.render_size)
        if small:
            colours, labels = volume.colours[:, :3], volume.labels[:, : config.labels]
            seen = Seen(colours, colours, labels, labels, volume.depth, volume.opacity)
        else:
            seen = self.network.pictures(volume, self.styles)
        return LabelledView(
            np.dstack([*self._image(seen, size)]), self._labels(seen, size), self._depth(volume, numbers, size)
        )

    def _image(self, seen: Seen, size: int) -> tuple[np.ndarray, np.ndarray]:
        """uint8 S x S x 3 and S x S."""
        config = self.network.config
        image, alpha = _sized(seen.image, size), torch.ones(1, 1, size, size)
        if config.white_back:
            if config.empty_logit:
                alpha = _sized(1 - seen.semantic.float().softmax(dim=1)[:, :1], size)
            else:
                alpha = _sized(seen.opacity, size)
            alpha = ((alpha - _FAINT) / (1 - 2 * _FAINT)).clamp(0, 1)
            # It was drawn on white; what is wanted is the colour without.
            bare = (image - (1 - alpha)) / alpha.clamp(min=1e-2)
            image = torch.where(alpha > 1e-2, bare, 1.0)
        return colours_of(image)[0], (alpha[0, 0] * 255 + 0.5).byte().cpu().numpy()

    def _labels(self, seen: Seen, size: int) -> np.ndarray:
        semantic = _sized(seen.semantic, size)
        return drawing_of(semantic)[0].astype(np.uint16) if self.network.config.draws else ids_of(semantic)[0]

    def _depth(self, volume: Volume, numbers: Tensor, size: int) -> np.ndarray:
        """Along the axis instead of along the ray, in the protocol's lengths."""
        config = self.network.config
        side = volume.depth.shape[-1]
        at = (torch.arange(side) + 0.5) / side - 0.5
        lens = numbers[0, 16:].cpu()
        slant = torch.sqrt(1 + (at[None, :] / lens[0]) ** 2 + (at[:, None] / lens[4]) ** 2)
        depth = volume.depth[0, 0].cpu() / slant / config.box
        depth = torch.where(volume.opacity[0, 0].cpu() > 0.5, depth, 0)
        return functional.interpolate(depth[None, None], size=(size, size), mode="nearest")[0, 0].numpy()

    def at(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Colours float32 N x 3 (0 to 1), logits of the labels float32 N x C and raw densities float32 N at ``points``
        (float32 N x 3, in the cube of side 1)."""
        config = self.network.config
        with torch.inference_mode():
            where = torch.from_numpy(points).to(self.planes.device)[None] * config.box
            features, sigma = self.network.query(self.planes, where)
            first = config.plane_channels
            parts = features[0, :, :3], features[0, :, first : first + config.labels], sigma[0, :, 0]
            return tuple(part.float().cpu().numpy() for part in parts)  # pyright: ignore[reportReturnType]

    def mesh(self, faces: int, texture_size: int, context: Any) -> Mesh:
        """A closed mesh of about ``faces`` triangles with a colour for each vertex and a label for each face.

        ``texture_size`` makes no difference: its colours are the field's own, at the vertices. ProblemError
        (BAD_INPUT) when it is solid nowhere.
        """
        del texture_size
        from backend.models.pix2pix3d.meshing import mesh_of

        return mesh_of(self, faces, context)


def _sized(picture: Tensor, size: int) -> Tensor:
    """N x C x size x size, smoothly."""
    if picture.shape[-1] == size:
        return picture.float()
    return functional.interpolate(
        picture.float(), size=(size, size), mode="bicubic", align_corners=False, antialias=True
    )
