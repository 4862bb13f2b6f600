"""How the small pix2pix3D learns: from synthetic objects whose shape, parts and looks from all around are known."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from backend.evaluation.labels import label_miou
from backend.evaluation.pictures import psnr
from backend.imaging.labels import label_means
from backend.models.pix2pix3d.config import STARTER
from backend.models.pix2pix3d.contest_training import ContestRecipe
from backend.models.pix2pix3d.generator import Generator
from backend.models.pix2pix3d.objective import field_losses, picture_losses, ray_losses, total
from backend.models.pix2pix3d.palettes import style_of
from backend.models.pix2pix3d.pictures import PALETTE, colours_of, ids_of, painted
from backend.synthetic.kinds import KINDS
from backend.synthetic.painted import Example, kept
from backend.synthetic.splits import seed_of
from backend.training.config import TrainConfig
from backend.training.options import Range
from backend.training.recipe import Facts, Phase, Rate, Recipe

# How much each label counts where one of several is asked for: the small ones more.
_LABEL_WEIGHTS = (0.6, 0.8, 1.5, 1.0, 1.5, 1.2)
_SHOWN = 6
_JUDGED = (0, 3, 6)  # views, the first being that of the label map


@dataclass(frozen=True, kw_only=True)
class Data:
    """``objects`` of the ``kind`` are learned from, made when first asked for and kept in ``folder``; of each the
    network sees ``points`` and, of ``seen`` of a batch, ``rays``; ``pictures`` of a batch train the super-resolution.
    ``judged`` validation objects give the scores."""

    kind: Literal["seg2vehicle"] = "seg2vehicle"
    objects: Annotated[int, Range(1, 10**6)] = 3000
    folder: str = "training-output/pix2pix3d-objects"
    points: Annotated[int, Range(16, 4096)] = 1024
    seen: Annotated[int, Range(1, 1024)] = 8
    rays: Annotated[int, Range(1, 16384)] = 160
    pictures: Annotated[int, Range(1, 1024)] = 2
    judged: Annotated[int, Range(1, 10_000)] = 24


class FieldRecipe:
    """See backend/training/recipe.py."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._data = config.options("data", Data)
        self._kind = KINDS[self._data.kind]

    def build(self) -> nn.Module:
        return Generator(STARTER)

    def _object(self, split: str, number: int) -> Example:
        return kept(self._kind, seed_of(split, 0, number), Path(self._data.folder))

    def batch(self, seed: int, indices: Sequence[int]) -> dict[str, Tensor]:
        rows = [self._row(np.random.default_rng([seed, index])) for index in indices]
        batch = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
        seen = self._data.seen
        for name in ("camera", "map", "image"):
            batch[f"ray_{name}"] = batch[f"other_{name}"][:seen]
            batch[f"picture_{name}"] = batch.pop(f"other_{name}")[-self._data.pictures :]
        batch["weights"] = torch.tensor(_LABEL_WEIGHTS).expand(len(rows), -1)
        return batch

    def _row(self, random: np.random.Generator) -> dict[str, np.ndarray]:
        example = self._object("train", int(random.integers(self._data.objects)))
        view, other = random.choice(len(example.maps), 2, replace=False)
        points = random.choice(len(example.points), self._data.points, replace=False)
        # Colours of parts that it has not must make no difference.
        colours = np.where(
            np.isnan(example.part_colours), random.random((len(example.part_colours), 3)), example.part_colours
        )
        style = style_of(torch.from_numpy(colours.astype(np.float32))[None])[0].numpy()
        return {
            "map": example.maps[view].astype(np.int64),
            "camera": example.cameras[view],
            "style": style,
            "points": example.points[points],
            "distances": example.distances[points],
            "labels": example.labels[points].astype(np.int64),
            "colours": example.colours[points].astype(np.float32) / 255,
            "other_map": example.maps[other].astype(np.int64),
            "other_camera": example.cameras[other],
            "other_image": example.images[other].astype(np.float32) / 127.5 - 1,
        }

    def loss(self, module: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        network: Any = getattr(module, "module", module)  # as several processes wrap it
        styles = network.styles(batch["map"], batch["style"], batch["camera"])
        network.backbone.mapping.follow(styles)
        planes = network.planes(styles)
        losses = field_losses(network, planes, batch)
        losses |= ray_losses(network, planes, batch, self._data.rays)
        losses |= picture_losses(network, planes, styles, batch, self._data.pictures)
        return total(losses), {name: loss.detach() for name, loss in losses.items()}

    def phases(self) -> Sequence[Phase]:
        return [Phase(self.loss)]

    def recomputed(self, module: nn.Module) -> Sequence[nn.Module]:
        return []

    def rates(self) -> Mapping[str, Rate]:
        return {}

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        network: Any = module
        found, true, ratios = [], [], []
        for number in range(self._data.judged):
            example = self._object("val", number)
            views = _views(network, example)
            found.append(np.stack([labels for labels, _ in views]))
            true.append(example.maps[list(_JUDGED)])
            pairs = zip(views[1:], _JUDGED[1:], strict=True)
            ratios += [psnr(image, example.images[view]) for (_, image), view in pairs]
        ours, theirs = np.stack(found), np.stack(true)
        return {
            "miou_own_view": label_miou(ours[:, 0], theirs[:, 0]),
            "miou_other_views": label_miou(ours[:, 1:], theirs[:, 1:]),
            "psnr_other_views": float(np.mean(ratios)),
        }

    def baselines(self) -> dict[str, dict[str, float]]:
        return {}

    def samples(self, module: nn.Module) -> np.ndarray:
        rows = []
        for number in range(_SHOWN):
            example = self._object("val", number)
            found = _views(module, example)
            tiles = [painted(example.maps[_JUDGED[0]])]
            for (labels, image), view in zip(found, _JUDGED, strict=True):
                tiles += [painted(labels), image, example.images[view]]
            rows.append(np.concatenate(tiles, axis=1))
        return np.concatenate(rows)

    def tensors(self, module: nn.Module) -> dict[str, Tensor]:
        return {**module.state_dict(), "palettes": self._palettes}

    @functools.cached_property
    def _palettes(self) -> Tensor:
        """Part colours of the first objects, parts that one has not from those before it that have."""
        found = np.stack([self._object("train", number).part_colours for number in range(2 * STARTER.palettes)])
        for number in range(1, len(found)):
            found[number] = np.where(np.isnan(found[number]), found[number - 1], found[number])
        return torch.from_numpy(np.nan_to_num(found[STARTER.palettes :], nan=1.0))

    def facts(self) -> Facts:
        count = sum(each.numel() for each in Generator(STARTER).parameters())
        return Facts(
            title="pix2pix3D, small: vehicles",
            tasks=("synthesize",),
            good_for="Cars and trucks, painted from any side.",
            licence="Apache-2.0",
            origin="Trained by this project on its synthetic vehicles.",
            entry="backend.models.pix2pix3d.inference:load",
            memory_bytes=100_000_000,
            architecture=f"pix2pix3D with planes of {STARTER.plane_size} pixels, {count:,} parameters.",
            data=f"{self._data.objects:,} synthetic {' and '.join(self._kind.families)}s, 8 views of each.",
            seeds="split train, run 0",
            labels={
                "size": STARTER.map_size,
                "names": list(self._kind.labels),
                "colours": [list(colour) for colour in PALETTE[: STARTER.labels]],
            },
        )


def recipe(config: TrainConfig) -> Recipe:
    """The recipe for ``config``: with a [model] table training as published, on labelled pictures."""
    return ContestRecipe(config) if config.model else FieldRecipe(config)


def _views(network: Any, example: Example) -> list[tuple[np.ndarray, np.ndarray]]:
    """Labels and picture through each camera of _JUDGED of what is made from the first one's label map, in the colours
    that are seen there."""
    first, device = _JUDGED[0], next(network.parameters()).device
    colours = label_means(example.images[first] / 255, example.maps[first], len(example.part_colours))
    labels = torch.from_numpy(example.maps[first].astype(np.int64))[None].to(device)
    pose = torch.from_numpy(example.cameras).to(device)
    style = style_of(torch.from_numpy(colours)[None]).to(device)
    styles = network.styles(labels, style, pose[first : first + 1])
    planes = network.planes(styles)
    occupancy = network.occupancy(planes)
    found = []
    for camera in _JUDGED:
        volume = network.quick_volume(planes, occupancy, pose[camera : camera + 1])
        seen = network.pictures(volume, styles)
        found.append((ids_of(seen.semantic)[0], colours_of(seen.image, "scores")[0]))
    return found
