"""Real textured models: the 820 of Debian's sweethome3d-furniture (175 CC0, 645 CC-BY 3.0).

Its five libraries are zip files with a catalogue (`PluginFurnitureCatalog.properties`) and OBJ models. Each model is
converted once to a mesh with colours at fine vertices and kept in the cache folder. Names, creators and licences stay
with it: `credits` lists those that a data set or a training run used.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backend.synthetic.solid_mesh import SolidMesh
from backend.synthetic.splits import SPLITS
from backend.synthetic.textures import Random, any_paint
from protocol.problems import ErrorCode, ProblemError

FOLDER = Path("/usr/share/sweethome3d/furniture")
LARGEST = 40_000  # faces of a model as it comes; larger ones are left out
PARTS = 12
_EDGE = 0.04  # longest edge of a textured face, of the model's longest side: colours are at vertices
_TOO_FLAT = 0.04  # wall pictures, doors and rugs make no solid thing to complete
_SHARES = {"train": 80, "val": 90, "held-out": 100}  # per cent of all models, by a hash of their names
_LEFT_OUT = ("Doors and windows", "Staircases", "Lights")


@dataclass(frozen=True)
class Furniture:
    """One model: ``id`` as its library names it, where it is, who made it under which licence."""

    id: str
    name: str
    category: str
    creator: str
    licence: str
    archive: Path
    member: str

    @property
    def split(self) -> str:
        """By a hash of its name, so that it never changes."""
        percent = int(hashlib.sha256(self.id.encode()).hexdigest(), 16) % 100
        return next(split for split in SPLITS if percent < _SHARES[split])


@functools.cache
def catalogue(folder: Path = FOLDER) -> tuple[Furniture, ...]:
    """All models, by id. ProblemError (NOT_FOUND) when the package is not there, BAD_INPUT for a broken library."""
    archives = sorted(folder.glob("*.sh3f"))
    if not archives:
        raise ProblemError(
            ErrorCode.NOT_FOUND,
            f"There are no furniture libraries in {folder}.",
            "Install Debian's sweethome3d-furniture, or use procedural objects alone.",
        )
    found = [model for archive in archives for model in _read_catalogue(archive)]
    return tuple(sorted(found, key=lambda model: model.id))


@functools.cache
def usable(split: str, folder: Path = FOLDER) -> tuple[Furniture, ...]:
    """The models of ``split`` that are things to stand on a ground, whatever their size turns out to be."""
    return tuple(model for model in catalogue(folder) if model.split == split and model.category not in _LEFT_OUT)


def credits(models: Iterable[Furniture]) -> str:
    """A line for each: name, creator, licence, library."""
    lines = {
        f"{model.name} ({model.id}), by {model.creator}; {model.licence}; {model.archive.name}" for model in models
    }
    return "\n".join(sorted(lines)) + "\n"


def _read_catalogue(archive: Path) -> list[Furniture]:
    try:
        with zipfile.ZipFile(archive) as library:
            text = library.read("PluginFurnitureCatalog.properties").decode("latin-1")
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"{archive.name} is no furniture library: {error}.", "Install the package again."
        ) from error
    values = dict(re.findall(r"^([\w#]+)\s*=\s*(.*?)\s*$", text, re.MULTILINE))
    licence = values.get("license", "").split("  ")[0]
    models = []
    for key, member in values.items():
        if not key.startswith("model#"):
            continue
        number = key.removeprefix("model#")
        models.append(
            Furniture(
                id=values[f"id#{number}"],
                name=values.get(f"name#{number}", ""),
                category=values.get(f"category#{number}", ""),
                creator=values.get(f"creator#{number}", "unknown"),
                licence=licence,
                archive=archive,
                member=member.lstrip("/"),
            )
        )
    return models


def cache_folder() -> Path:
    """Where converted models are kept; XDG_CACHE_HOME moves it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wholeform" / "furniture"


@functools.lru_cache(maxsize=96)
def mesh_of(model: Furniture) -> SolidMesh | None:
    """The model standing on y = 0, its longest side 1; None for one that is flat, too large or without faces."""
    path = cache_folder() / f"{hashlib.sha256(model.id.encode()).hexdigest()[:16]}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mesh = _convert(model)
        arrays = {"empty": np.zeros(0)}
        if mesh is not None:
            arrays = {
                "vertices": mesh.vertices.astype(np.float16),
                "colours": (mesh.colours * 255).astype(np.uint8),
                "faces": mesh.faces.astype(np.int32),
                "face_parts": mesh.face_parts.astype(np.uint8),
            }
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        os.replace(file.name, path)
    with np.load(path, allow_pickle=False) as stored:
        if "empty" in stored:
            return None
        return SolidMesh(
            stored["vertices"].astype(np.float32),
            stored["faces"].astype(np.int64),
            stored["colours"].astype(np.float32) / 255,
            stored["face_parts"].astype(np.int64),
            tuple(f"material {number}" for number in range(1, PARTS + 1)),
        )


def repainted(mesh: SolidMesh, random: Random) -> SolidMesh:
    """``mesh`` with most of its parts of one grey painted anew, as many models have no colours."""
    colours = mesh.colours.copy()
    for part in np.unique(mesh.face_parts):
        own = np.unique(mesh.faces[mesh.face_parts == part])
        is_plain = np.ptp(mesh.colours[own], axis=0).max() < 0.02
        is_grey = np.ptp(mesh.colours[own].mean(axis=0)) < 0.06
        if is_plain and is_grey and random.random() < 0.75:
            colours[own] = any_paint(random)(mesh.vertices[own])
    return replace(mesh, colours=colours)


def _convert(model: Furniture) -> SolidMesh | None:
    """Read the OBJ with its materials, refine it and sample its colours."""
    import trimesh

    with tempfile.TemporaryDirectory() as folder:
        parent = model.member.rpartition("/")[0]
        with zipfile.ZipFile(model.archive) as library:
            for name in library.namelist():
                if name.startswith(f"{parent}/") and ".." not in name:
                    library.extract(name, folder)
        scene = trimesh.load(Path(folder) / model.member, process=False)
        pieces = [piece for piece in getattr(scene, "geometry", {"": scene}).values() if hasattr(piece, "faces")]
        corners, colours, parts = [], [], []
        for number, piece in enumerate(pieces):
            corners.append(_corners(piece))
            parts.append(np.full(len(piece.faces), min(number, PARTS - 1)))
        if not corners or not 0 < sum(map(len, corners)) <= LARGEST:
            return None
        whole = np.concatenate(corners)[..., :3].reshape(-1, 3)
        size = np.ptp(whole, axis=0)
        if size.min() < _TOO_FLAT * size.max():
            return None
        fine, fine_parts = [], []
        # Less fine where the texture covers much: so many corners are more than any picture shows.
        textured = sum(len(own) for piece, own in zip(pieces, corners, strict=True) if _is_textured(piece))
        edge = float(size.max()) * _EDGE * (1 if textured < 3000 else 2)
        for piece, own, part in zip(pieces, corners, parts, strict=True):
            refined, origin = _refined(own, edge if _is_textured(piece) else np.inf)
            fine.append(refined[..., :3])
            colours.append(_colours(piece, refined[..., 3:]))
            fine_parts.append(part[origin])
        vertices = np.concatenate(fine).reshape(-1, 3)
        faces = np.arange(len(vertices)).reshape(-1, 3)
        merged, index = np.unique(
            np.concatenate([vertices.round(5), np.concatenate(colours).reshape(-1, 3).round(3)], axis=1),
            axis=0,
            return_inverse=True,
        )
        mesh = SolidMesh(
            merged[:, :3].astype(np.float32),
            index.reshape(-1)[faces],
            merged[:, 3:].astype(np.float32),
            np.concatenate(fine_parts),
            tuple(f"material {number}" for number in range(1, PARTS + 1)),
        )
        return mesh.standing()


def _is_textured(piece) -> bool:
    return getattr(getattr(piece.visual, "material", None), "image", None) is not None


def _corners(piece) -> np.ndarray:
    """Place and texture coordinates of each face's corners: float64 F x 3 x 5."""
    uv = getattr(piece.visual, "uv", None)
    flat = np.zeros((len(piece.vertices), 2)) if uv is None or len(uv) != len(piece.vertices) else np.asarray(uv)
    return np.concatenate([piece.vertices, flat], axis=1)[piece.faces]


def _refined(corners: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray]:
    """Faces (F x 3 x C) quartered until no edge is longer, at most five times, and which face each came from."""
    origin = np.arange(len(corners))
    for _ in range(5):
        edges = np.linalg.norm(corners[:, [1, 2, 0], :3] - corners[:, :, :3], axis=-1).max(axis=1)
        long = edges > longest
        if not long.any():
            break
        a, b, c = corners[long].transpose(1, 0, 2)
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        quarters = [np.stack(three, axis=1) for three in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        corners = np.concatenate([corners[~long], *quarters])
        origin = np.concatenate([origin[~long], np.tile(origin[long], 4)])
    return corners, origin


def _colours(piece, uv: np.ndarray) -> np.ndarray:
    """sRGB colours at texture coordinates (F x 3 x 2): float64 F x 3 x 3."""
    material = getattr(piece.visual, "material", None)
    image = getattr(material, "image", None)
    main = np.asarray(getattr(material, "diffuse", (160, 160, 160, 255)), np.float64)[:3] / 255
    if image is None:
        return np.broadcast_to(main, (*uv.shape[:2], 3))
    pixels = np.asarray(image.convert("RGB"), np.float64) / 255
    height, width = pixels.shape[:2]
    x = (np.nan_to_num(uv[..., 0]) % 1 * width).astype(int).clip(0, width - 1)
    y = ((1 - np.nan_to_num(uv[..., 1]) % 1) * height).astype(int).clip(0, height - 1)
    return pixels[y, x]
