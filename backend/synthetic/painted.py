"""Objects with painted parts, to learn and judge label maps by: what is where in them, and how they look from all
around.

Each comes from its seed alone. Making one takes about half a second, so those of a run are kept in a folder.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.imaging.labels import label_means
from backend.synthetic import families
from backend.synthetic.composition import Composition
from backend.synthetic.kinds import Kind
from backend.synthetic.raster import rasterise
from backend.synthetic.solid_mesh import SolidMesh

SIDE = 128  # of the pictures
_FINER = 2
_RESOLUTION = 72
_LIGHT = (0.35, 0.8, 0.49)  # the direction it comes from
_AMBIENT = 0.7
_STEP = 2e-3  # for normals by differences


@dataclass(frozen=True, eq=False)
class Example:
    """``points`` float32 M x 3 in the cube of side 1, half of them all over it and half near the surface, with their
    signed ``distances`` float32 M, ``labels`` uint8 M and ``colours`` uint8 M x 3, which mean something near the
    surface. ``maps`` uint8 V x SIDE x SIDE and ``images`` uint8 V x SIDE x SIDE x 3 (on white) from ``cameras`` float32
    V x 25. ``part_colours`` float32 labels x 3 (0 to 1), the mean of each part's; not a number where there is none."""

    points: np.ndarray
    distances: np.ndarray
    labels: np.ndarray
    colours: np.ndarray
    maps: np.ndarray
    images: np.ndarray
    cameras: np.ndarray
    part_colours: np.ndarray


def example_of(kind: Kind, seed: int, views: int = 8, points: int = 4096) -> Example:
    """The object that ``seed`` makes of one of the kind's families."""
    random = np.random.default_rng([seed, 5])
    solid = _Solid(kind, seed)
    spread = solid.spread(random, points)
    distances, labels = solid.at(spread)
    cameras = kind.drawn_cameras(random, views)
    seen = [solid.seen(camera) for camera in torch.from_numpy(cameras)]
    return Example(
        points=spread.numpy(),
        distances=distances.numpy(),
        labels=labels.numpy().astype(np.uint8),
        colours=_bytes(solid.colours(spread, solid.owners(spread))),
        maps=np.stack([each[0] for each in seen]),
        images=np.stack([each[1] for each in seen]),
        cameras=cameras,
        part_colours=solid.part_colours(),
    )


def kept(kind: Kind, seed: int, folder: Path) -> Example:
    """`example_of`, made once and then read from ``folder``."""
    tag = hashlib.sha256(repr((kind, _LIGHT, _AMBIENT, _RESOLUTION, SIDE)).encode()).hexdigest()[:12]
    path = folder / f"{kind.family_of(seed)}-{seed}-{tag}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return Example(**{field.name: stored[field.name] for field in fields(Example)})
    made = example_of(kind, seed)
    folder.mkdir(parents=True, exist_ok=True)
    # Several processes may make the same one; the name appears when it is whole.
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, **{field.name: getattr(made, field.name) for field in fields(Example)})
    part.replace(path)
    return made


class _Solid:
    """A composition in the cube of side 1 around 0."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind = kind
        self.composition: Composition = families.compose(kind.family_of(seed), seed)
        made = self.composition.mesh(_RESOLUTION)
        foot, self.scale = made.foot_and_size
        self.mesh: SolidMesh = made.standing()
        self.middle = np.array([0, float(self.mesh.vertices[:, 1].max()) / 2, 0], np.float32)
        self.foot = torch.from_numpy(foot.astype(np.float32))
        self._part_labels = torch.tensor(
            [kind.label_of(part.name) if not part.cut else 0 for part in self.composition.parts]
        )
        self.vertices = torch.from_numpy(self.mesh.vertices - self.middle)

    def _own(self, points: Tensor) -> Tensor:
        return (points + torch.from_numpy(self.middle)) * self.scale + self.foot

    def distances(self, points: Tensor) -> Tensor:
        return self.composition.distances(self._own(points))[0] / self.scale

    def owners(self, points: Tensor) -> Tensor:
        return self.composition.distances(self._own(points))[1]

    def at(self, points: Tensor) -> tuple[Tensor, Tensor]:
        distances, owners = self.composition.distances(self._own(points))
        return distances / self.scale, self._part_labels[owners]

    def spread(self, random: np.random.Generator, count: int) -> Tensor:
        """Half all over the cube, half near the surface."""
        even = random.uniform(-0.5, 0.5, (count // 2, 3))
        corners = self.vertices.numpy()[self.mesh.faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas = np.linalg.norm(across, axis=1)
        # Small parts as often as large ones, in part: their few triangles would hardly be seen.
        labels = self._face_labels().numpy()
        per_label = np.bincount(labels, areas, minlength=len(self.kind.labels))
        chance = areas / np.sqrt(np.maximum(per_label, 1e-9))[labels]
        picked = random.choice(len(areas), count - len(even), p=chance / chance.sum())
        shares = random.dirichlet((1, 1, 1), len(picked))
        on = np.einsum("nk,nkc->nc", shares, corners[picked])
        away = np.where(random.random((len(picked), 1)) < 0.5, 0.01, 0.04)
        return torch.from_numpy(np.concatenate([even, on + random.normal(0, 1, on.shape) * away]).astype(np.float32))

    def _face_labels(self) -> Tensor:
        names = self.mesh.part_names
        return torch.tensor([self.kind.label_of(name) for name in names])[torch.from_numpy(self.mesh.face_parts)]

    def colours(self, points: Tensor, owners: Tensor) -> Tensor:
        """sRGB 0 to 1 in the light."""
        own = self._own(points).numpy()
        albedo = np.zeros((len(points), 3), np.float32)
        for index in owners.unique().tolist():
            part, at = self.composition.parts[index], (owners == index).numpy()
            albedo[at] = part.paint((own[at] - np.float32(part.at)) @ part.turn.astype(np.float32))
        return torch.from_numpy(albedo) * self._lit(points)

    def _lit(self, points: Tensor) -> Tensor:
        moved = points[None] + _STEP * torch.eye(3)[:, None]
        ahead = self.distances(moved.reshape(-1, 3)).view(3, -1).T
        normals = functional.normalize(ahead - self.distances(points)[:, None], dim=1)
        return _shade(normals)

    def part_colours(self) -> np.ndarray:
        """The mean over each part's surface, without light."""
        labels = self._face_labels().numpy()
        colours = self.mesh.colours[self.mesh.faces].mean(axis=1)
        return label_means(colours, labels, len(self.kind.labels))

    def seen(self, camera: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Label map and picture through a camera of 25 numbers."""
        pose, lens = camera[:16].view(4, 4), camera[16:].view(3, 3)
        local = (self.vertices - pose[:3, 3]) @ pose[:3, :3]
        flat = local @ lens.T
        side = SIDE * _FINER
        pixels = flat[:, :2] / flat[:, 2:] * side
        faces = torch.from_numpy(self.mesh.faces)
        hits = rasterise(pixels, flat[:, 2], faces, torch.zeros(len(faces), dtype=torch.int64), (1, side, side))
        normals = torch.from_numpy(self.mesh.normals)
        lit = torch.from_numpy(self.mesh.colours) * _shade(normals)
        colours = hits.at(lit, faces)[0]
        face = hits.face[0]
        colours = torch.where((face >= 0)[..., None], colours, 1.0)
        labels = torch.where(face >= 0, self._face_labels()[face.clamp(min=0)], 0)
        shares = functional.avg_pool2d(
            functional.one_hot(labels, len(self.kind.labels)).permute(2, 0, 1).float(), _FINER
        )
        image = functional.avg_pool2d(colours.permute(2, 0, 1), _FINER).permute(1, 2, 0)
        return shares.argmax(dim=0).numpy().astype(np.uint8), _bytes(image)


def _shade(normals: Tensor) -> Tensor:
    return _AMBIENT + (1 - _AMBIENT) * (normals @ torch.tensor(_LIGHT)).clamp(min=0)[:, None]


def _bytes(values: Tensor) -> np.ndarray:
    return (values.clamp(0, 1) * 255 + 0.5).byte().numpy()


def surface_of(kind: Kind, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (float32 V x 3) and faces (int64 F x 3) of the object, in the cube of side 1."""
    solid = _Solid(kind, seed)
    return solid.vertices.numpy(), solid.mesh.faces
