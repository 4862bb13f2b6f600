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
_DEPTH_STEPS = 2.0**24  # to a unit of depth; the key has room for 256 units
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
        planes = _weight_planes(corners[faces, :2])
        owner, pixels = _visible(corners, faces, planes, side)
        picture = np.zeros((side * side, 4))
        if len(owner):
            spots = np.stack([pixels % side + 0.5, pixels // side + 0.5, np.ones(len(pixels))], axis=1)
            weights = np.einsum("pkc,pc->pk", planes[owner], spots) / corners[faces[owner], 2]
            weights /= weights.sum(axis=1, keepdims=True)
            picture[pixels, :3] = _shaded(mesh, camera, faces[owner], weights[:, :, None])
            picture[pixels, 3] = 255
        blocks = picture.reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING, 4)
        return straightened(blocks.mean(axis=(1, 3)))


def _shaded(mesh: Mesh, camera: Camera, faces: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Colours (k x 3, 0..255) of places given by the corners of their faces (k x 3) and those corners' weights."""
    normals = (vertex_normals(mesh.vertices, mesh.faces)[faces] * weights).sum(axis=1) @ view_matrix(camera)[:3, :3].T
    if mesh.texture is not None and mesh.uvs is not None:
        base = sample_colours(mesh.texture[..., :3], (mesh.uvs[faces] * weights).sum(axis=1))[:, :3]
    elif mesh.colours is not None:
        base = (mesh.colours[:, :3][faces] * weights).sum(axis=1)
    else:
        base = np.full((len(faces), 3), 255 * GREY)
    return np.clip(base * shade(facing(normals)), 0, 255)


def _weight_planes(triangles: np.ndarray) -> np.ndarray:
    """F x 3 x 3: row k takes (x, y, 1) to the weight of corner k of a flat triangle (F x 3 x 2), outside negative."""
    x, y = triangles[..., 0], triangles[..., 1]
    following, third = [1, 2, 0], [2, 0, 1]
    planes = np.stack(
        [
            y[:, following] - y[:, third],
            x[:, third] - x[:, following],
            x[:, following] * y[:, third] - x[:, third] * y[:, following],
        ],
        axis=-1,
    )
    area = planes[:, :, 2].sum(axis=1)[:, None, None]
    # A triangle seen edge on covers nothing: its weights are made negative everywhere.
    flat = np.abs(area) < 1e-9
    return np.where(flat, np.array([0.0, 0.0, -1.0]), planes / np.where(flat, 1.0, area))


def _visible(corners: np.ndarray, faces: np.ndarray, planes: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest face of every covered pixel, and those pixels (row * side + column)."""
    flat = corners[faces, :2]
    low = np.clip(np.floor(flat.min(axis=1)).astype(int), 0, side)
    extent = (np.clip(np.ceil(flat.max(axis=1)).astype(int), 0, side) - low).max(axis=1)
    # 1 / depth is linear across a face in the picture, so it has a plane as the weights do.
    closeness = np.einsum("fkc,fk->fc", planes, 1 / corners[faces, 2])
    nearest = np.full(side * side, _EMPTY, np.uint64)
    reach = 1
    while reach < 2 * side:
        group = np.flatnonzero((extent <= reach) & (extent > (reach // 2 if reach > 1 else 0)))
        step = max(1, _SAMPLES_AT_ONCE // reach**2)
        for start in range(0, len(group), step):
            part = group[start : start + step]
            _draw(np.concatenate([planes[part], closeness[part, None]], axis=1), low[part], part, reach, side, nearest)
        reach *= 2
    pixels = np.flatnonzero(nearest != _EMPTY)
    return (nearest[pixels] & 0xFFFFFFFF).astype(np.int64), pixels


def _draw(planes: np.ndarray, low: np.ndarray, names: np.ndarray, reach: int, side: int, nearest: np.ndarray) -> None:
    """Try ``reach`` x ``reach`` pixels from ``low`` (k x 2) on for k faces, whose weights and closeness are given as
    ``planes`` (k x 4 x 3); where a face is the nearest so far, ``nearest`` gets its name."""
    step = np.arange(reach)
    start = np.einsum("fkc,fc->fk", planes[:, :, :2], low + 0.5) + planes[:, :, 2]
    across, down = planes[:, :, 0, None] * step, planes[:, :, 1, None] * step
    values = (start[:, :, None, None] + across[:, :, None, :] + down[:, :, :, None]).astype(np.float32)
    room = side - low
    hit = (values[:, :3].min(axis=1) >= 0) & (step < room[:, :1])[:, None, :] & (step < room[:, 1:])[:, :, None]
    face, row, column = np.nonzero(hit)
    # Nearer is smaller: depth in the upper half of the key, the face's name in the lower, so that ties are settled too.
    depth = _DEPTH_STEPS / np.maximum(values[:, 3][hit].astype(np.float64), 1e-6)
    key = np.clip(depth, 0, 2**32 - 2).astype(np.uint64) << np.uint64(32)
    np.minimum.at(nearest, (low[face, 1] + row) * side + low[face, 0] + column, key | names[face].astype(np.uint64))
