"""How well a model makes a solid from a picture of the whole object."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from backend.evaluation.cases import SYNTHETIC_COUNT, Source, synthetic_objects
from backend.evaluation.report import Scorer, picture_tile
from backend.evaluation.solids import Surface, surface_score, volume_iou
from backend.pipelines.context import Context

if TYPE_CHECKING:
    from backend.synthetic.worlds import Objects

METRICS = ("volume_iou", "chamfer", "fscore", "normal_consistency")
BASELINE = "inflate"
SIDE = 256  # of the pictures
_FACES = 20_000
_PAPER = 255


class Reconstructor(Protocol):
    """A model of the task `reconstruct`."""

    def reconstruct(
        self, image: np.ndarray, mask: np.ndarray, occluders: None, completed: np.ndarray, quality: str, context: Any
    ) -> Any:
        """A field with ``mesh(faces, texture_size, context)``."""
        ...


@dataclass(frozen=True, eq=False)
class Solid:
    """``picture`` uint8 SIDE x SIDE x 4 of an object alone; ``surface`` the truth (vertices, faces) as its camera sees
    it: looking along -Z, +Y up, longest side 1, around 0."""

    id: str
    picture: np.ndarray
    surface: Surface


def find(data: str, split: str, seed: int, count: int | None) -> Source[Solid]:
    """``count`` (300) synthetic objects; ``data`` as `synthetic_objects` takes it."""
    objects = synthetic_objects(data)
    wanted = SYNTHETIC_COUNT if count is None else count
    return Source(f"synthetic:{objects}", wanted, _solids(split, seed, wanted, objects))


def _solids(split: str, seed: int, count: int, objects: Objects) -> Iterator[Solid]:
    from backend.synthetic.splits import seed_of
    from backend.synthetic.worlds import make_views

    for index in range(count):
        views = make_views(seed_of(split, seed, index), 1, SIDE, objects)
        # Row vectors: the inverse rotation takes the world to the camera.
        turned = views.mesh.vertices.astype(np.float64) @ views.cameras[0].cam2world[:3, :3]
        yield Solid(str(views.seed), views.images[0], (_unit(turned), views.mesh.faces))


def _unit(vertices: np.ndarray) -> np.ndarray:
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return (vertices - (low + high) / 2) / max(float((high - low).max()), 1e-9)


def reconstruction_scores(model: Reconstructor, case: Solid, context: Context) -> tuple[dict[str, float], Surface]:
    """METRICS of the model's mesh, each moved and scaled into the cube of side 1, and that mesh."""
    rgba = case.picture
    mask = rgba[..., 3] >= 128
    alone = np.where(mask[..., None], rgba[..., :3], np.uint8(_PAPER))
    mesh = model.reconstruct(alone, mask, None, rgba, "standard", context).mesh(_FACES, 0, context)
    found: Surface = _unit(np.asarray(mesh.vertices, np.float64)), np.asarray(mesh.faces)
    surfaces = surface_score(found, case.surface)
    values = volume_iou(found, case.surface), surfaces.chamfer, surfaces.fscore, surfaces.normals
    return dict(zip(METRICS, values, strict=True)), found


def scorers(name: str, model: Reconstructor, context: Context) -> dict[str, Scorer[Solid]]:
    """What scores a case, by name: ``model`` under ``name`` first, then the baseline."""
    models: dict[str, Reconstructor] = {name: model}
    if name != BASELINE:
        models[BASELINE] = context.model(BASELINE)
    return {each: lambda case, one=one: reconstruction_scores(one, case, context) for each, one in models.items()}


def tile(case: Solid, answer: Surface) -> np.ndarray:
    """The picture, and depth from above of the truth and of the answer: what a picture from the front does not show."""
    height = case.picture.shape[0]
    alpha = case.picture[..., 3:].astype(np.float32) / 255
    front = (case.picture[..., :3] * alpha + _PAPER * (1 - alpha)).astype(np.uint8)
    above = [_from_above(surface, height) for surface in (case.surface, answer)]
    return picture_tile(np.concatenate([front, *above], axis=1))


def _from_above(surface: Surface, side: int) -> np.ndarray:
    """uint8 side x side x 3: the solid's cells seen along -Y, darker where more of them lie behind each other."""
    from backend.evaluation.occupancy import occupancy

    filled = occupancy(*surface, 64).mean(axis=1).T  # z down, x across
    grey = (_PAPER * (1 - np.sqrt(np.clip(filled, 0, 1)))).astype(np.uint8)
    scale = math.ceil(side / 64)
    return cv2.cvtColor(np.kron(grey, np.ones((scale, scale), np.uint8))[:side, :side], cv2.COLOR_GRAY2RGB)
