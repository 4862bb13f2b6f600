"""How well a model makes a thing from a painted label map: does it agree with the map, and with the true thing from
other sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from backend.evaluation.cases import SYNTHETIC_COUNT, Source
from backend.evaluation.labels import label_miou, pixel_accuracy
from backend.evaluation.pictures import psnr
from backend.evaluation.report import Scorer, picture_tile
from backend.evaluation.solids import Surface, surface_score
from backend.fields.cameras import from_numbers
from backend.imaging.labels import label_means
from backend.imaging.paper import on_white
from backend.pipelines.context import Context
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera, Mesh

if TYPE_CHECKING:
    from backend.synthetic.painted import Example

METRICS = ("own_miou", "other_miou", "own_accuracy", "other_accuracy", "other_psnr", "chamfer", "fscore", "watertight")
METRICS += ("draft_own_miou", "draft_other_miou")
FACES = 20_000
_OTHERS = (2, 4, 6)  # views that the thing is judged from, beside that of the map, which is view 0


class Synthesizer(Protocol):
    """A model of the task `synthesize` whose style can be told as the colour of each part."""

    palette: tuple[tuple[int, int, int], ...]

    def synthesize(
        self,
        painted: np.ndarray,
        camera: Camera | None,
        seed: int,
        truncation: float,
        context: Any,
        colours: np.ndarray | None = None,
    ) -> Any: ...

    def agree(self, field: Any, quality: str, context: Any) -> Any: ...


@dataclass(frozen=True, eq=False)
class Painting:
    """A thing: its label maps and pictures from all around, and its true surface."""

    id: str
    example: Example
    surface: Surface

    @property
    def cameras(self) -> list[Camera]:
        return [from_numbers(row) for row in self.example.cameras]

    @property
    def seen_colours(self) -> np.ndarray:
        """float32 labels x 3, 0 to 1: the mean colour of each part in the picture of the map's view; not a number for
        parts that are not seen there."""
        example = self.example
        return label_means(example.images[0] / 255, example.maps[0], len(example.part_colours))


def find(data: str, split: str, seed: int, count: int | None) -> Source[Painting]:
    """``count`` (300) synthetic things. ``data`` is "synthetic", or "synthetic:" and one of
    `backend.synthetic.kinds`."""
    from backend.synthetic.kinds import KINDS

    kind = data.removeprefix("synthetic").removeprefix(":") or next(iter(KINDS))
    if not data.startswith("synthetic") or kind not in KINDS:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"Label maps cannot be judged on “{data}”.",
            f"Allowed: synthetic, {', '.join(f'synthetic:{name}' for name in KINDS)}.",
        )
    wanted = SYNTHETIC_COUNT if count is None else count
    return Source(f"synthetic:{kind}", wanted, _paintings(kind, split, seed, wanted))


def _paintings(kind: str, split: str, seed: int, count: int) -> Iterator[Painting]:
    from backend.synthetic.kinds import KINDS
    from backend.synthetic.painted import example_of, surface_of
    from backend.synthetic.splits import seed_of

    for index in range(count):
        number = seed_of(split, seed, index)
        yield Painting(f"{split}-{index}", example_of(KINDS[kind], number), surface_of(KINDS[kind], number))


@dataclass(frozen=True, eq=False)
class Answer:
    """What was made: label maps and pictures (uint8 RGB on white) at the map's view and the others, and the mesh."""

    labels: np.ndarray
    images: np.ndarray
    mesh: Mesh
    palette: tuple[tuple[int, int, int], ...]


def synthesis_scores(model: Synthesizer, case: Painting, context: Context) -> tuple[dict[str, float], Answer]:
    """METRICS of one case, at standard quality but for those of drafts. The parts' colours are told as they are seen
    in the picture of the map's view, as colours of other sides can be judged only then; labels and shape do not
    depend on them."""
    from backend.meshes.checks import check_mesh

    example, cameras = case.example, case.cameras
    own, others = 0, list(_OTHERS)
    draft = model.synthesize(
        example.maps[own].astype(np.uint16), cameras[own], 0, 1.0, context, colours=case.seen_colours
    )
    size, judged = example.maps.shape[-1], [cameras[k] for k in (own, *others)]
    drafted = np.stack([view.labels for view in draft.render(judged, size, context)])
    field = model.agree(draft, "standard", context)
    views = field.render(judged, size, context)
    labels = np.stack([view.labels for view in views])
    images = np.stack([on_white(view.image) for view in views])
    mesh = field.mesh(FACES, 0, context)
    surface = surface_score((mesh.vertices, mesh.faces), case.surface)
    scores = {
        "own_miou": label_miou(labels[0], example.maps[own]),
        "other_miou": label_miou(labels[1:], example.maps[others]),
        "own_accuracy": pixel_accuracy(labels[0], example.maps[own]),
        "other_accuracy": pixel_accuracy(labels[1:], example.maps[others]),
        "other_psnr": float(np.mean([psnr(images[1 + n], example.images[k]) for n, k in enumerate(others)])),
        "chamfer": surface.chamfer,
        "fscore": surface.fscore,
        "watertight": float(check_mesh(mesh).sound),
        "draft_own_miou": label_miou(drafted[0], example.maps[own]),
        "draft_other_miou": label_miou(drafted[1:], example.maps[others]),
    }
    return scores, Answer(labels, images, mesh, model.palette)


def scorers(name: str, model: Synthesizer, context: Context) -> dict[str, Scorer[Painting]]:
    """What scores a case: ``model``. There is no simpler way of doing the same to compare it with."""
    return {name: lambda case: synthesis_scores(model, case, context)}


def tile(case: Painting, answer: Answer) -> np.ndarray:
    """The map, then what was made of it: labels and colours from the map's side and another, beside the truth there."""
    palette = np.array(answer.palette, np.uint8)
    rows = []
    for number, view in ((0, 0), (2, _OTHERS[1])):
        truth, found = case.example.maps[view], answer.labels[number]
        rows.append(np.concatenate([palette[truth], palette[found], answer.images[number]], axis=1))
    return picture_tile(np.concatenate(rows))
