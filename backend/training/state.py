"""Everything that training changes: weights, their average, the optimiser's memory, the step and the time it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from protocol.problems import ErrorCode, ProblemError

from .checkpoints import Checkpoint
from .config import TrainConfig
from .ema import Ema
from .recipe import Rate


class State:
    """The state after ``step`` steps and ``seconds``. ``module`` is the bare network, on the accelerator's device."""

    def __init__(
        self, module: nn.Module, config: TrainConfig, accelerator: Accelerator, rates: Mapping[str, Rate]
    ) -> None:
        self.step = 0
        self.seconds = 0.0
        self.module = module.to(accelerator.device).train()
        self.ema = Ema(self.module, config.ema_decay)
        self._trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
        self.optimizer = accelerator.prepare(_adamw(self._trained, config, rates))
        self._names = _in_optimizer_order(self.optimizer, self._trained)
        self._scaler = accelerator.scaler

    def weights(self, start: str = "") -> list[Tensor]:
        """The parameters that are trained whose names begin with ``start``."""
        return [weight for name, weight in self._trained.items() if name.startswith(start)]

    def checkpoint(self, config: TrainConfig) -> Checkpoint:
        """The whole state as tensors by name and JSON."""
        tensors = {f"module.{name}": tensor for name, tensor in self.module.state_dict().items()}
        tensors |= {f"ema.{name}": tensor for name, tensor in self.ema.module.state_dict().items()}
        for number, memory in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{self._names[number]}.{key}": tensor for key, tensor in memory.items()}
        scaler = self._scaler.state_dict() if self._scaler is not None else None
        return Checkpoint(self.step, tensors, {"seconds": self.seconds, "scaler": scaler, "config": config.plain()})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Become what ``checkpoint`` holds. ProblemError (BAD_INPUT) when it is of another network."""
        parts: dict[str, dict[str, Tensor]] = {"module": {}, "ema": {}, "optimizer": {}}
        for name, tensor in checkpoint.tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        numbers = {name: number for number, name in enumerate(self._names)}
        memory: dict[int, dict[str, Tensor]] = {}
        try:
            self.module.load_state_dict(parts["module"])
            self.ema.module.load_state_dict(parts["ema"])
            for name, tensor in parts["optimizer"].items():
                weight, _, key = name.rpartition(".")
                memory.setdefault(numbers[weight], {})[key] = tensor
        except (RuntimeError, KeyError) as error:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"The checkpoint of step {checkpoint.step} is of another network: {error}",
                "Train into another folder: --out DIR.",
            ) from error
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": memory})
        scaler: dict[str, Any] | None = checkpoint.facts["scaler"]
        if self._scaler is not None and scaler is not None:
            self._scaler.load_state_dict(scaler)
        self.step, self.seconds = checkpoint.step, checkpoint.facts["seconds"]


def _adamw(trained: Mapping[str, Tensor], config: TrainConfig, rates: Mapping[str, Rate]) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, ICLR 2019) that lets biases and the scales of normalisations grow freely. Each
    group has under "times" how many times the learning rate it is trained with."""
    groups: dict[tuple[Rate, bool], list[Tensor]] = {}
    for name, weight in trained.items():
        rate = next((each for start, each in rates.items() if name.startswith(start)), Rate())
        groups.setdefault((rate, weight.ndim <= 1), []).append(weight)
    return torch.optim.AdamW(
        [
            {
                "params": weights,
                "weight_decay": 0.0 if free else config.weight_decay,
                "betas": rate.betas,
                "times": rate.times,
            }
            for (rate, free), weights in sorted(groups.items(), key=lambda each: each[0])
        ],
        lr=config.learning_rate,
    )


def _in_optimizer_order(optimizer: torch.optim.Optimizer, trained: Mapping[str, Tensor]) -> list[str]:
    """The weights' names in the order in which the optimiser's state dict numbers them."""
    names = {id(weight): name for name, weight in trained.items()}
    return [names[id(weight)] for group in optimizer.param_groups for weight in group["params"]]
