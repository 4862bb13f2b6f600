"""Pictures of a mesh without OpenGL: a z-buffer in numpy, for machines on which no EGL library is installed."""

from __future__ import annotations

import numpy as np

from backend.fields.cameras import project, view_matrix
from protocol.values import Camera, Mesh

from .lighting import GREY, facing, shade, straightened
from .normals import vertex_normals
from .texture import sample_colours

_SUPERSAMPLING = 2
_NEAR = 1e-3
_SAMPLES_AT_ONCE = 1 << 21
_EMPTY = np.iinfo(np.uint64).max


class SoftwareRenderer:
    """Draws one mesh from many cameras."""

    name = "software"

    def render(self, mesh: Mesh, camera: Camera, size: int) -> np.ndarray:
        """uint8 size x size x 4 (sRGB, straight alpha), transparent around the mesh."""
        side = size * _SUPERSAMPLING
        corners = project(camera, mesh.vertices.astype(np.float64))
        corners[:, :2] *= side
        faces = mesh.faces[(corners[mesh.faces, 2] > _NEAR).all(axis=1)]
        owner, pixels = _visible(corners, faces, side)
        picture = np.zeros((side * side, 4))
        if len(owner):
            picture[pixels] = self._shaded(mesh, camera, corners, faces[owner], pixels, side)
        blocks = picture.reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING, 4)
        return straightened(blocks.mean(axis=(1, 3)))

    def _shaded(
        self, mesh: Mesh, camera: Camera, corners: np.ndarray, faces: np.ndarray, pixels: np.ndarray, side: int
    ) -> np.ndarray:
        """RGBA 0..255 of the pixels, each showing its face of ``faces`` (k x 3)."""
        spots = np.stack([pixels % side, pixels // side], axis=1) + 0.5
        weights = _barycentric(corners[faces, :2], spots) / corners[faces, 2]
        weights = (weights / weights.sum(axis=1, keepdims=True))[:, :, None]
        normals = (vertex_normals(mesh.vertices, mesh.faces)[faces] * weights).sum(axis=1) @ view_matrix(camera)[
            :3, :3
        ].T
        if mesh.texture is not None and mesh.uvs is not None:
            uvs = (mesh.uvs[faces] * weights).sum(axis=1)
            base = sample_colours(mesh.texture[..., :3], uvs)[:, :3]
        elif mesh.colours is not None:
            base = (mesh.colours[:, :3][faces] * weights).sum(axis=1)
        else:
            base = np.full((len(faces), 3), 255 * GREY)
        lit = np.clip(base * shade(facing(normals)), 0, 255)
        return np.concatenate([lit, np.full((len(faces), 1), 255.0)], axis=1)


def _visible(corners: np.ndarray, faces: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest face of every covered pixel, and those pixels (row * side + column)."""
    flat = corners[faces, :2]
    low = np.clip(np.floor(flat.min(axis=1)).astype(int), 0, side)
    high = np.clip(np.ceil(flat.max(axis=1)).astype(int), 0, side)
    extent = (high - low).max(axis=1)
    nearest = np.full(side * side, _EMPTY, np.uint64)
    reach = 1
    while reach < 2 * side:
        group = np.flatnonzero((extent <= reach) & (extent > (reach // 2 if reach > 1 else 0)))
        step = max(1, _SAMPLES_AT_ONCE // reach**2)
        for start in range(0, len(group), step):
            _draw(corners, faces, low, group[start : start + step], reach, side, nearest)
        reach *= 2
    pixels = np.flatnonzero(nearest != _EMPTY)
    return (nearest[pixels] & 0xFFFFFFFF).astype(np.int64), pixels


def _draw(
    corners: np.ndarray,
    faces: np.ndarray,
    low: np.ndarray,
    group: np.ndarray,
    reach: int,
    side: int,
    nearest: np.ndarray,
) -> None:
    """Test ``reach`` x ``reach`` pixels for every face of the group and keep the nearest in ``nearest``."""
    offsets = np.stack(np.meshgrid(np.arange(reach), np.arange(reach)), axis=-1).reshape(-1, 2)
    spots = low[group][:, None, :] + offsets
    triangle = np.broadcast_to(corners[faces[group], :2][:, None], (*spots.shape[:2], 3, 2))
    weights = _barycentric(triangle, spots + 0.5)
    hit = (weights >= 0).all(axis=-1) & (spots < side).all(axis=-1)
    which, _ = np.nonzero(hit)
    closeness = (weights[hit] / corners[faces[group], 2][which]).sum(axis=1)
    # Nearer means smaller: depth in the upper half of the key, the face in the lower, so that ties are settled too.
    depth = np.clip(1e9 / np.maximum(closeness, 1e-9) * _NEAR, 0, 2**32 - 2).astype(np.uint64)
    place = spots[hit]
    np.minimum.at(nearest, place[:, 1] * side + place[:, 0], (depth << np.uint64(32)) | group[which].astype(np.uint64))


def _barycentric(triangle: np.ndarray, spot: np.ndarray) -> np.ndarray:
    """Weights (... x 3) of ``spot`` (... x 2) in ``triangle`` (... x 3 x 2); a negative one means outside."""
    a, b, c = triangle[..., 0, :], triangle[..., 1, :], triangle[..., 2, :]
    area = _cross(b - a, c - a)
    area = np.where(np.abs(area) < 1e-12, np.inf, area)
    first, second = _cross(b - spot, c - spot) / area, _cross(c - spot, a - spot) / area
    return np.stack([first, second, 1 - first - second], axis=-1) - np.where(np.isinf(area), 1, 0)[..., None]


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
