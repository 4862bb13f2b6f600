"""The phases of a step: whose weights learn from what, in one process or many."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import Tensor, nn

from .batches import Part
from .config import TrainConfig
from .randomness import LOSS, seed_all
from .recipe import Phase
from .state import State

_LARGEST = 1e5  # of a gradient that is infinite, where networks learn against each other


class _Loss(nn.Module):
    """A phase's loss as a module, so that mixed precision and DistributedDataParallel surround all of it."""

    def __init__(self, phase: Phase, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self._loss = phase.loss

    def forward(self, batch: Any) -> tuple[Tensor, dict[str, Tensor | float]]:
        loss, numbers = self._loss(self.module, batch)
        return loss, dict(numbers)


class Phases:
    """Takes ``state`` through the ``phases`` of its steps."""

    def __init__(self, phases: Sequence[Phase], state: State, config: TrainConfig, accelerator: Accelerator) -> None:
        self._phases = phases
        self._state = state
        self._config = config
        self._accelerator = accelerator
        losses = [_Loss(phase, state.module) for phase in phases]
        # DistributedDataParallel shares gradients as they are found, but needs the same weights to learn every time.
        self._several = len(phases) > 1
        self._losses = losses if self._several else [accelerator.prepare(losses[0])]

    def step(self, parts: Sequence[Part]) -> dict[str, Tensor]:
        """One step with ``parts``, this process's share of a batch: its own numbers, "loss" first."""
        numbers: dict[str, Tensor] = {}
        losses: list[Tensor] = []
        for number, phase in enumerate(self._phases):
            if self._state.step % phase.every == 0:
                with self._learning(phase):
                    loss, others = self._learn(number, parts)
                losses.append(loss)
                prefix = f"{phase.name}_" if phase.name else ""
                numbers |= {f"{prefix}{name}": each for name, each in {"loss": loss, **others}.items()}
        return {"loss": torch.stack(losses).sum(), **numbers}

    def _learn(self, number: int, parts: Sequence[Part]) -> tuple[Tensor, dict[str, Tensor]]:
        """The mean loss of a phase and what else there is to say of it."""
        accelerator, config, state = self._accelerator, self._config, self._state
        model = self._losses[number]
        names: list[str] = []
        told = torch.zeros((), device=accelerator.device)
        for turn, part in enumerate(parts):
            seed_all(config.seed, LOSS, part.first, number)
            batch = send_to_device(part.batch, accelerator.device, non_blocking=True)
            shared = self._several or turn == len(parts) - 1
            with contextlib.nullcontext() if shared else accelerator.no_sync(model):
                with accelerator.autocast() if self._several else contextlib.nullcontext():
                    loss, extra = model(batch)
                accelerator.backward(loss / len(parts))
            names = [*extra]
            told = told + torch.stack([scalar(each, accelerator.device) for each in (loss, *extra.values())])
        accelerator.unscale_gradients()
        weights = state.weights(self._phases[number].learns)
        if self._several:
            self._share_gradients(weights)
        norm = nn.utils.clip_grad_norm_(weights, config.clip or math.inf)
        state.optimizer.step()
        state.optimizer.zero_grad()
        loss, *others = (told / len(parts)).unbind()
        return loss, {**dict(zip(names, others, strict=True)), "gradient_norm": scalar(norm, accelerator.device)}

    @contextlib.contextmanager
    def _learning(self, phase: Phase) -> Iterator[None]:
        """Only what ``phase`` is for has gradients meanwhile."""
        learning = {id(weight) for weight in self._state.weights(phase.learns)}
        still = [weight for weight in self._state.weights() if id(weight) not in learning]
        for weight in still:
            weight.requires_grad_(False)
        try:
            yield
        finally:
            for weight in still:
                weight.requires_grad_(True)

    def _share_gradients(self, weights: Sequence[Tensor]) -> None:
        """The mean of all processes' gradients, without what is no number: an adversary's may run away for a step, and
        come back (as StyleGAN3's training does)."""
        found = [weight for weight in weights if weight.grad is not None]
        flat = torch.cat([cast(Tensor, weight.grad).flatten() for weight in found])
        if self._accelerator.num_processes > 1:
            flat = cast(Tensor, self._accelerator.reduce(flat, "mean"))
        flat = flat.nan_to_num(nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)
        for weight, gradient in zip(found, flat.split([weight.numel() for weight in found]), strict=True):
            weight.grad = gradient.view_as(weight)


def scalar(number: Tensor | float, device: torch.device) -> Tensor:
    """float32, without a gradient."""
    return torch.as_tensor(number, dtype=torch.float32, device=device).detach()
