"""The learning rate as a function of the step."""

from __future__ import annotations

import math

from .config import TrainConfig


def learning_rate(config: TrainConfig, step: int) -> float:
    """The rate of step ``step`` (from 0): a linear rise over ``warmup_steps``, whose last step has the full rate, then
    constant or half a cosine that would reach 0 at ``steps`` (Loshchilov and Hutter, SGDR, ICLR 2017, equation 5)."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.learning_rate
    done = (step - config.warmup_steps) / (config.steps - config.warmup_steps)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
