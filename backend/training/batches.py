"""Batches by step: which examples a process gets, made by worker processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader, Dataset

from .config import TrainConfig
from .randomness import BATCH, seed_all
from .recipe import Recipe


class Part(NamedTuple):
    """A part of a step's batch: the index of its first example and what the recipe made."""

    first: int
    batch: Any


@dataclass(frozen=True)
class Shares:
    """The example indices that process ``rank`` of ``processes`` gets, part by part, from step ``start`` on.

    Step k (from 0) uses k B to k B + B - 1 for a batch size B. They are cut into accumulate x processes parts of equal
    size: the first round of parts goes to the processes in order, then the second, …
    """

    steps: int
    batch_size: int
    accumulate: int
    rank: int
    processes: int
    start: int

    @classmethod
    def of(cls, config: TrainConfig, rank: int, processes: int, start: int) -> Shares:
        """The shares of a run. ProblemError (BAD_PARAMETER) when its batches cannot be cut into equal parts."""
        parts = config.accumulate * processes
        if config.batch_size % parts:
            raise config.fault(
                "batch_size",
                f"is {config.batch_size}, which does not divide into {parts} equal parts",
                f"Make it a multiple of “accumulate” ({config.accumulate}) x processes ({processes}).",
            )
        return cls(config.steps, config.batch_size, config.accumulate, rank, processes, start)

    def __iter__(self) -> Iterator[range]:
        size = self.batch_size // (self.accumulate * self.processes)
        for step in range(self.start, self.steps):
            for turn in range(self.accumulate):
                first = step * self.batch_size + (turn * self.processes + self.rank) * size
                yield range(first, first + size)

    def __len__(self) -> int:
        return (self.steps - self.start) * self.accumulate


class _Examples(Dataset[Part]):
    def __init__(self, recipe: Recipe, seed: int) -> None:
        self.recipe = recipe
        self.seed = seed

    def __getitem__(self, indices: range) -> Part:
        seed_all(self.seed, BATCH, indices[0])
        return Part(indices[0], self.recipe.batch(self.seed, indices))


def _as_it_is(part: Any) -> Any:
    return part


def _leave_signals_to_the_loop(_: int) -> None:
    """A signal to the whole process group must not end the workers before the loop has saved its checkpoint."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def batches(recipe: Recipe, config: TrainConfig, shares: Shares, device: torch.device) -> Iterator[Part]:
    """The parts of ``shares`` in order, made ahead by ``config.workers`` processes (0: in this one)."""
    loader = DataLoader(
        _Examples(recipe, config.seed),
        batch_size=None,
        sampler=shares,
        num_workers=config.workers,
        collate_fn=_as_it_is,
        pin_memory=device.type == "cuda",
        worker_init_fn=_leave_signals_to_the_loop,
        # A generator of its own: the loader draws a number from it when it starts.
        generator=torch.Generator().manual_seed(config.seed),
    )
    return iter(loader)
