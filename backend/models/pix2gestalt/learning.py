"""What a run is told of its network and its data, and where the examples come from."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from torch import Tensor

from backend.datasets.pix2gestalt import Occlusions
from backend.models.pix2gestalt.config import STARTER, Config
from backend.models.pix2gestalt.examples import TURNS, Example, make_example
from backend.models.pix2gestalt.pictures import squashed, to_network
from backend.training.config import TrainConfig
from backend.training.options import Range


@dataclass(frozen=True, kw_only=True)
class Model:
    """``size`` of the networks; ``learns`` says which part of them is trained; ``start`` is the file that the run
    begins with: weights of this project (.safetensors; the auto-encoder's alone are enough), a checkpoint of the
    authors or Stable Diffusion's image-conditioned one (.ckpt), or "starter" for the weights that come along."""

    size: Literal["starter", "published"] = "starter"
    learns: Literal["autoencoder", "diffusion"] = "diffusion"
    start: str = ""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Synthetic scenes of ``scene_side`` pixels with ``objects``, or the pairs of ``folder``, which is in the layout
    of the authors' occlusion set; ``judged`` validation cases give the scores."""

    folder: str = ""
    objects: Literal["procedural", "furniture", "mixed"] = "mixed"
    scene_side: Annotated[int, Range(64, 1024)] = 256
    judged: Annotated[int, Range(2, 10_000)] = 60


@dataclass(frozen=True)
class Told:
    """A run's tables [model] and [data], and the widths they ask for."""

    run: TrainConfig
    model: Model
    data: Data

    @staticmethod
    def of(run: TrainConfig) -> Told:
        """ProblemError (BAD_PARAMETER) naming file and field where one is wrong."""
        return Told(run, run.options("model", Model), run.options("data", Data))

    @property
    def config(self) -> Config:
        return STARTER if self.model.size == "starter" else Config()

    @functools.cached_property
    def _pairs(self) -> dict[str, Occlusions]:
        return {part: Occlusions(Path(self.data.folder), part) for part in ("train", "val")}

    def example(self, split: Literal["train", "val"], seed: int, index: int) -> Example:
        """Example ``index`` of run ``seed``. A folder's pairs come in another order each time they are through."""
        if not self.data.folder:
            data = self.data
            return make_example(split, seed, index, self.config.side, data.scene_side, data.objects)
        pairs = self._pairs[split]
        turn, place = divmod(index, len(pairs))
        pair = pairs[int(_order(seed, turn, len(pairs))[place])]
        side = self.config.side
        mask = (squashed(pair.modal.astype(np.uint8) * 255, side) > 127).astype(np.uint8) * 255
        return Example(squashed(pair.occluded, side), mask, squashed(pair.whole, side))

    def apart(self, count: int) -> list[Example]:
        """``count`` validation examples, each of another scene or pair."""
        first = (lambda number: number) if self.data.folder else TURNS.first_example
        return [self.example("val", 0, first(number)) for number in range(count)]


@functools.lru_cache(maxsize=2)
def _order(seed: int, turn: int, count: int) -> np.ndarray:
    return np.random.default_rng([seed, turn]).permutation(count)


def batch_of(examples: Sequence[Example]) -> dict[str, Tensor]:
    """``image``, ``mask`` and ``whole``, each float32 N x 3 x S x S in -1 to 1."""
    return {
        "image": torch.cat([to_network(each.image) for each in examples]),
        "mask": torch.cat([to_network(each.mask) for each in examples]),
        "whole": torch.cat([to_network(each.whole) for each in examples]),
    }
