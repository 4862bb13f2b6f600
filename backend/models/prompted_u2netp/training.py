"""How the promptable segmenter learns: from synthetic scenes, starting from U2NETP's published weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.datasets.cutouts import pictures_in
from backend.hub.registry import find_card, load
from backend.hub.weights import read_weights
from backend.imaging.clicks import middle, next_click
from backend.models.prompted_u2netp.examples import TURNS, Example, World, make_example
from backend.models.prompted_u2netp.inference import prepared
from backend.models.prompted_u2netp.network import PromptedU2NetP
from backend.models.prompted_u2netp.prompts import prompt_maps
from backend.pipelines.context import Context
from backend.training.config import TrainConfig
from backend.training.options import Range
from backend.training.recipe import Facts, Phase, Rate

Point = tuple[float, float, int]  # x, y in 0..1 of the crop, label
Box = tuple[float, float, float, float]
Answering = Callable[[list[Point], Box | None], np.ndarray]

_SIDES = 0.15  # weight of each level's own map in the loss
_SHOWN = 18
_GROWN = 1.25  # how much sooner than the end crops have their full size


@dataclass(frozen=True, kw_only=True)
class Model:
    """``start``: the model whose weights training begins with."""

    start: Literal["u2netp", "prompted-u2netp"] = "u2netp"


@dataclass(frozen=True, kw_only=True)
class Data:
    """Crops grow from ``first_side`` to ``side`` pixels over the run, as most is learned from small ones; scenes have
    at most ``scene_side`` pixels and ``objects``. ``cutouts``: a folder of RGBA pictures of one thing each, which half
    of the examples paste together. ``judged`` examples of the validation split give the scores."""

    first_side: Annotated[int, Range(64, 512)] = 96
    side: Annotated[int, Range(64, 512)] = 224
    scene_side: Annotated[int, Range(64, 1024)] = 384
    objects: Literal["procedural", "furniture", "mixed"] = "mixed"
    cutouts: str = ""
    judged: Annotated[int, Range(2, 10_000)] = 200


class PromptedRecipe:
    """See backend/training/recipe.py."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._model = config.options("model", Model)
        self._data = config.options("data", Data)
        cutouts = pictures_in(Path(self._data.cutouts)) if self._data.cutouts else ()
        self._world = World(self._data.scene_side, self._data.objects, tuple(cutouts))

    def build(self) -> nn.Module:
        network = PromptedU2NetP()
        weights = find_card(self._model.start).weights
        assert weights is not None
        started = network.body if self._model.start == "u2netp" else network
        started.load_state_dict({name: each.float() for name, each in read_weights(weights).items()})
        return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (its stub lacks this)

    def batch(self, seed: int, indices: Sequence[int]) -> dict[str, Tensor]:
        return _batch([self._example("train", seed, index, self._side(indices[0])) for index in indices])

    def _side(self, index: int) -> int:
        """Of the crop of example ``index``: a multiple of what the network halves five times."""
        first, last = self._data.first_side, self._data.side
        done = index / (self._config.steps * self._config.batch_size)
        return min(last, round((first + (last - first) * done * _GROWN) / 32) * 32)

    def _example(self, split: str, seed: int, index: int, side: int) -> Example:
        # What scores are taken from stays the same whatever was trained on.
        world = self._world if split == "train" else replace(self._world, cutouts=())
        return make_example(split, seed, index, side, world)

    def loss(self, module: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        network: Any = getattr(module, "module", module)  # as several processes wrap it
        features, wanted = network.encode(batch["image"]), batch["wanted"]
        logits, sides = network.decode(features, batch["prompts"])
        # What it answered is corrected by a further click, as people do (Sofiiuk et al. 2022, section 3.2).
        corrected, corrected_sides = network.decode(features, _clicked(batch["prompts"], logits.detach(), wanted))
        total = _levels_loss(logits, sides, wanted) + _levels_loss(corrected, corrected_sides, wanted)
        ious = {"iou": logits, "iou_corrected": corrected}
        return total / 2, {name: _iou(each.detach() > 0, wanted > 0.5).mean() for name, each in ious.items()}

    def phases(self) -> Sequence[Phase]:
        return [Phase(self.loss)]

    def recomputed(self, module: nn.Module) -> Sequence[nn.Module]:
        assert isinstance(module, PromptedU2NetP)
        return [*module.body.encoder, *module.body.decoder]

    def rates(self) -> Mapping[str, Rate]:
        return {}

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        return self._judged(lambda example: _Answers(module, example))

    def baselines(self) -> dict[str, dict[str, float]]:
        models = {name: load(name, "cpu") for name in ("grabcut", "u2netp")}
        return {
            name: self._judged(lambda example, model=model: _Others(model, example)) for name, model in models.items()
        }

    def _judged(self, answering: Callable[[Example], Answering]) -> dict[str, float]:
        """Mean scores over the validation examples, one of a scene."""
        side = self._data.side
        examples = (self._example("val", 0, TURNS.first_example(index), side) for index in range(self._data.judged))
        scores = [_simulated(answering(example), example.wanted) for example in examples]
        return {name: float(np.mean([each[name] for each in scores])) for name in scores[0]}

    def samples(self, module: nn.Module) -> np.ndarray:
        tiles = []
        for index in range(_SHOWN):
            example = self._example("val", 1, TURNS.first_example(index), self._data.side)
            found = _answer(module, example.image, example.prompts) >= 0.5
            tiles.append(_shown(example, found))
        return np.concatenate([np.concatenate(tiles[row : row + 6], axis=1) for row in range(0, _SHOWN, 6)])

    def tensors(self, module: nn.Module) -> dict[str, Tensor]:
        return dict(module.state_dict())

    def facts(self) -> Facts:
        count = sum(each.numel() for each in PromptedU2NetP().parameters())
        return Facts(
            title="U2-Net small with prompts",
            tasks=("segment",),
            good_for="Partly hidden household things, toys and figures in a box, at points, or both.",
            licence="Apache-2.0",
            origin="Trained by this project from u2netp's weights (Apache-2.0) on its synthetic scenes, whose real "
            "models are those of sweethome3d-furniture (CC0 and CC-BY 3.0).",
            entry="backend.models.prompted_u2netp.inference:load",
            memory_bytes=120_000_000,
            architecture=f"U2NETP with prompts added to the features of all six levels, {count:,} parameters.",
            data=f"Crops of {self._data.first_side} to {self._data.side} pixels of synthetic scenes with "
            f"{self._data.objects} objects.",
            seeds=f"split train, run {self._config.seed}",
        )


def recipe(config: TrainConfig) -> PromptedRecipe:
    """The recipe for ``config``."""
    return PromptedRecipe(config)


def _batch(examples: list[Example]) -> dict[str, Tensor]:
    return {
        "image": torch.from_numpy(np.stack([prepared(each.image) for each in examples])),
        "prompts": torch.from_numpy(np.stack([each.prompts for each in examples])),
        "wanted": torch.from_numpy(np.stack([each.wanted[None] for each in examples]).astype(np.float32)),
    }


def _clicked(prompts: Tensor, logits: Tensor, wanted: Tensor) -> Tensor:
    """``prompts`` (N x 5 x S x S) with a click in the middle of the largest error of ``logits``, and with what they
    say as the last mask where there was a click before."""
    likely = torch.sigmoid(logits).float().cpu().numpy()
    maps = prompts.float().cpu().numpy().copy()
    side = maps.shape[-1]
    for told, found, whole in zip(maps, likely[:, 0], wanted.cpu().numpy()[:, 0], strict=True):
        click = next_click(found >= 0.5, whole > 0.5)
        if click is None:
            continue
        again = told[:2].any()
        x, y, label = click
        point = np.array([[(x + 0.5) / side, (y + 0.5) / side, label]])
        told[:2] = np.maximum(told[:2], prompt_maps(side, point, None, None)[:2])
        if again:
            told[3], told[4] = found, 1
    return torch.from_numpy(maps).to(prompts.device, prompts.dtype)


def _levels_loss(logits: Tensor, sides: Sequence[Tensor], wanted: Tensor) -> Tensor:
    return _mask_loss(logits.float(), wanted) + _SIDES * sum(
        (_mask_loss(side.float(), wanted) for side in sides), logits.new_zeros(())
    )


def _mask_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy and Dice (Milletari et al. 2016, equation 3 with squares left out), per example."""
    found = torch.sigmoid(logits)
    overlap = (found * wanted).sum(dim=(1, 2, 3))
    dice = 1 - (2 * overlap + 1) / (found.sum(dim=(1, 2, 3)) + wanted.sum(dim=(1, 2, 3)) + 1)
    return F.binary_cross_entropy_with_logits(logits, wanted) + dice.mean()


def _iou(found: Tensor, wanted: Tensor) -> Tensor:
    both, either = (found & wanted).sum(dim=(1, 2, 3)), (found | wanted).sum(dim=(1, 2, 3))
    return both.float() / either.clamp(min=1).float()


def _answer(module: nn.Module, image: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    device = next(module.parameters()).device
    tensors = [torch.from_numpy(each)[None].to(device) for each in (prepared(image), prompts)]
    return module(*tensors)[0, 0].float().cpu().numpy()


class _Answers:
    """What the network answers for one example's crop."""

    def __init__(self, module: nn.Module, example: Example) -> None:
        self._module, self._example = module, example
        self._last: np.ndarray | None = None

    def __call__(self, points: list[Point], box: Box | None) -> np.ndarray:
        # As in inference: clicks after the first one correct the answer before them.
        last = self._last if len(points) > 1 else None
        told = prompt_maps(len(self._example.wanted), np.array(points, float).reshape(-1, 3), box, last)
        self._last = _answer(self._module, self._example.image, told)
        return self._last >= 0.5


class _Others:
    """What another model answers for it."""

    def __init__(self, model: Any, example: Example) -> None:
        self._model, self._example = model, example

    def __call__(self, points: list[Point], box: Box | None) -> np.ndarray:
        side = len(self._example.wanted)
        pixels = [[min(x * side, side - 1), min(y * side, side - 1), label] for x, y, label in points]
        drawn = None if box is None else [each * side for each in box]
        return self._model.segment(self._example.image, pixels, drawn, Context())[0]


def _simulated(answer: Answering, wanted: np.ndarray) -> dict[str, float]:
    """IoU in a crop for its box, a point in its middle, both, and after three clicks."""
    side = len(wanted)
    rows, columns = np.nonzero(wanted)
    box = (
        float(columns.min() / side),
        float(rows.min() / side),
        float((columns.max() + 1) / side),
        float((rows.max() + 1) / side),
    )
    x, y = middle(wanted)
    points: list[Point] = [((x + 0.5) / side, (y + 0.5) / side, 1)]
    found = {"iou_box": answer([], box), "iou_box_point": answer(points, box), "iou_point": answer(points, None)}
    mask = found["iou_point"]
    for _ in range(2):
        click = next_click(mask, wanted)
        if click is None:
            break
        points.append(((click[0] + 0.5) / side, (click[1] + 0.5) / side, click[2]))
        mask = answer(points, None)
    found["iou_3_clicks"] = mask
    return {name: float((each & wanted).sum() / max(1, (each | wanted).sum())) for name, each in found.items()}


def _shown(example: Example, found: np.ndarray) -> np.ndarray:
    """The crop with the answer in blue, what was wanted outlined in yellow, and the prompts."""
    tile = example.image.copy()
    tile[found] = (tile[found] * 0.5 + np.array([30, 120, 255]) * 0.5).astype(np.uint8)
    outline, _ = cv2.findContours(example.wanted.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tile, outline, -1, (255, 220, 40), 1)
    tile[example.prompts[0] > 0.5], tile[example.prompts[1] > 0.5] = (0, 220, 60), (230, 40, 40)
    return tile
