"""Weights averaged over the steps: they are what is evaluated and written at the end."""

from __future__ import annotations

import copy

import torch
from torch import nn


def decay_at(decay: float, step: int) -> float:
    """How much of the average is kept at step ``step`` (from 0): less at first, so that the random initial weights are
    soon forgotten: min(decay, (1 + step) / (10 + step))."""
    return min(decay, (1 + step) / (10 + step))


class Ema:
    """``module`` is a copy of the network whose parameters are exponential moving averages; buffers are the latest."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(module).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Take in the parameters of ``module`` after step ``step`` (from 0): e <- d e + (1 - d) p."""
        averages: list[torch.Tensor] = [*self.module.parameters()]
        latest: list[torch.Tensor] = [*module.parameters()]
        torch._foreach_lerp_(averages, latest, 1 - decay_at(self.decay, step))  # type: ignore[reportPrivateImportUsage]
        for own, other in zip(self.module.buffers(), module.buffers(), strict=True):
            own.copy_(other)
