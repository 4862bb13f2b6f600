"""What a model provides to be trained: `backend/models/NAME/training.py` has ``recipe(config) -> Recipe``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from protocol.problems import ErrorCode, ProblemError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from .config import TrainConfig


@dataclass(frozen=True)
class Facts:
    """What a recipe says for the card. The first seven and ``labels`` go into it as they are (see
    backend/hub/cards.py); the others are sentences for people: the network, what it learned from, and which seeds or
    files of that."""

    title: str
    tasks: tuple[str, ...]
    good_for: str
    licence: str
    origin: str
    entry: str
    memory_bytes: int
    architecture: str
    data: str
    seeds: str
    labels: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Rate:
    """How weights learn: ``times`` the learning rate, and the decays of AdamW's two moments."""

    times: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True)
class Phase:
    """A part of a step: the weights whose names begin with ``learns`` take one step down ``loss``, while all others
    stand still. Networks that learn against each other have a phase each; ``every`` is in steps.

    ``loss(module, batch)`` gives the mean loss (a scalar) over a batch, which is on the module's device, and numbers to
    log by name, always the same names. Mixed precision is on where the config asks for it.
    """

    loss: Callable[[Any, Any], tuple[Tensor, Mapping[str, Tensor | float]]]
    name: str = ""
    learns: str = ""
    every: int = 1


class Recipe(Protocol):
    """How one model is trained; the loop does everything else. It is made once in each process, from the config.

    Random numbers: the generators of python, numpy and torch are seeded before every call of ``build``, ``batch``, a
    phase's ``loss``, ``evaluate`` and ``samples`` from what the call is for, so that a resumed run draws the same ones.
    """

    def build(self) -> nn.Module:
        """The network, freshly initialised, on the CPU. What does not require a gradient is not trained."""
        ...

    def batch(self, seed: int, indices: Sequence[int]) -> Any:
        """The examples ``indices`` (0 and up, each asked for once) as CPU tensors in dicts, lists or tuples: a function
        of its arguments alone, called in worker processes."""
        ...

    def phases(self) -> Sequence[Phase]:
        """What happens in a step, in this order, each with the same batch. The first is in every step; where it is the
        only one it needs no name."""
        ...

    def recomputed(self, module: nn.Module) -> Sequence[nn.Module]:
        """Parts of ``module`` whose activations are computed again in the backward pass rather than kept, where the
        config asks for it; none of them inside another."""
        ...

    def rates(self) -> Mapping[str, Rate]:
        """How weights learn, by how their names begin; those that none names learn as usual."""
        ...

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        """Scores of ``module`` (averaged weights, evaluation mode, no gradients) on data it is not trained on."""
        ...

    def baselines(self) -> dict[str, dict[str, float]]:
        """By name, what trivial methods score on the same data."""
        ...

    def samples(self, module: nn.Module) -> np.ndarray:
        """A sheet for people of what ``module`` does now: uint8, H x W x 3."""
        ...

    def tensors(self, module: nn.Module) -> dict[str, Tensor]:
        """What the weight file holds, by name; floating numbers are stored as float16."""
        ...

    def facts(self) -> Facts:
        """What the card says."""
        ...


def trainable() -> list[str]:
    """The models of this installation that have a recipe."""
    import backend.models

    return sorted(
        {path.parent.name for folder in backend.models.__path__ for path in Path(folder).glob("*/training.py")}
    )


def find_recipe(name: str) -> tuple[Callable[[TrainConfig], Recipe], Path]:
    """The ``recipe`` of model ``name`` ("u2netp"; "-" and "_" are one) and its default config, train.toml.

    ProblemError (UNKNOWN_MODEL) naming the models that can be trained when it is none of them.
    """
    name = name.replace("-", "_")
    able = trainable()
    if name not in able:
        raise ProblemError(
            ErrorCode.UNKNOWN_MODEL,
            f"There is no training for “{name}”.",
            f"Models that can be trained: {', '.join(able) or 'none in this installation'}.",
        )
    module = importlib.import_module(f"backend.models.{name}.training")
    return module.recipe, Path(str(module.__file__)).parent / "train.toml"
