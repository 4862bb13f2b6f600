"""A recipe small enough to train in tests, and a program that trains it: ``python -m tests.unit.tiny_training FILE``.

It has what makes an exact resume hard: normalisation with running statistics, dropout, and noise in data and loss.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn

from backend.training.config import TrainConfig, read_config
from backend.training.options import Range
from backend.training.recipe import Facts, Phase, Rate


@dataclass(frozen=True)
class ModelOptions:
    width: Annotated[int, Range(1, 64)] = 8
    dropout: Annotated[float, Range(0.0, 0.9)] = 0.0
    normalised: bool = False


@dataclass(frozen=True)
class DataOptions:
    """``pause`` seconds pass in each step; at step ``spoiled`` the loss is not a number."""

    noise: float = 0.0
    pause: float = 0.0
    spoiled: int = -1


class Tiny:
    """Learns to blur: 8 x 8 pictures by index, the target is their 3 x 3 box blur."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.model = config.options("model", ModelOptions)
        self.data = config.options("data", DataOptions)
        self.held_out = self._examples(np.random.default_rng([7, 7]), 32)

    def build(self) -> nn.Module:
        width = self.model.width
        middle = nn.BatchNorm2d(width) if self.model.normalised else nn.Identity()
        return nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            middle,
            nn.Sequential(nn.ReLU(), nn.Dropout(self.model.dropout), nn.Conv2d(width, 1, 1)),
        )

    def _examples(self, generator: np.random.Generator, count: int) -> dict[str, Tensor]:
        x = torch.from_numpy(generator.random((count, 1, 8, 8), np.float32))
        return {"x": x, "y": nn.functional.avg_pool2d(x, 3, 1, 1)}

    def batch(self, seed: int, indices: Sequence[int]) -> Any:
        parts = [self._examples(np.random.default_rng([seed, index]), 1) for index in indices]
        batch = {key: torch.cat([part[key] for part in parts]) for key in ("x", "y")}
        # Generators that nobody hands on: each worker process has its own, and seeds must reach all three.
        batch["y"] += self.data.noise * (random.random() + np.random.random() + torch.rand(()).item())  # noqa: NPY002
        return {**batch, "step": indices[0] // self.config.batch_size}

    def loss(self, module: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor | float]]:
        time.sleep(self.data.pause)
        wanted = batch["y"] + self.data.noise * torch.randn_like(batch["y"])
        error = module(batch["x"]) - wanted
        loss = error.square().mean()
        if batch["step"] == self.data.spoiled:
            loss = loss * float("nan")
        return loss, {"largest": error.abs().amax()}

    def phases(self) -> Sequence[Phase]:
        return [Phase(self.loss)]

    def recomputed(self, module: nn.Module) -> Sequence[nn.Module]:
        assert isinstance(module, nn.Sequential)
        return [module[0], module[2]]

    def rates(self) -> Mapping[str, Rate]:
        return {}

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        # What is drawn here must not change the training.
        _ = random.random(), np.random.random(), torch.rand(3)  # noqa: NPY002
        return {"error": float((module(self.held_out["x"]) - self.held_out["y"]).square().mean())}

    def baselines(self) -> dict[str, dict[str, float]]:
        return {"input": {"error": float((self.held_out["x"] - self.held_out["y"]).square().mean())}}

    def samples(self, module: nn.Module) -> np.ndarray:
        made = (module(self.held_out["x"][:4]).clamp(0, 1) * 255).byte().numpy()
        return np.repeat(np.concatenate(list(made[:, 0]), axis=1)[..., None], 3, axis=2)

    def tensors(self, module: nn.Module) -> dict[str, Tensor]:
        return {f"net.{name}": tensor for name, tensor in module.state_dict().items()}

    def facts(self) -> Facts:
        return Facts(
            title="A “tiny” blur",
            tasks=("blur",),
            good_for='Tests: quotes ", backslashes \\ and\nlines.',
            licence="Apache-2.0",
            origin="Ours.",
            entry="backend.models.tiny.inference:load",
            memory_bytes=1000,
            architecture="two convolutions",
            data="uniform noise",
            seeds="0 to 99",
        )


recipe = Tiny


def write_config(path: Path, **fields: Any) -> Path:
    """A TOML file with ``fields`` over quick settings; dicts become tables. "out" is a folder beside it."""
    told: dict[str, Any] = {
        "out": str(path.with_suffix("")),
        "steps": 24,
        "batch_size": 8,
        "learning_rate": 0.01,
        "ema_decay": 0.9,
        "workers": 0,
        "save_every": 5,
        "evaluate_every": 0,
        **fields,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in told.items() if not isinstance(value, dict)]
    for name, table in told.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    path.write_text("\n".join(lines), "utf-8")
    return path


def losses(folder: Path) -> dict[int, float]:
    """The losses in a run's log by step; a line that is not finished yet is left out."""
    path = folder / "log.jsonl"
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return {row["step"]: row["loss"] for row in rows if "loss" in row}


def trained(kind: type[Tiny], words: Sequence[str]) -> None:
    """Train a ``kind`` as the ``words`` of a command line say."""
    from backend.training.loop import train
    from backend.training.progress import PlainLines

    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--resume", action="store_true")
    told = parser.parse_args(words)
    # One thread, as in the tests: sums are the same bit for bit for the same number of threads.
    torch.set_num_threads(1)
    config = read_config(told.file, "tiny")
    outcome = train(kind(config), config, PlainLines(), resume=told.resume, device="cpu")
    # In one piece: two processes write to the same pipe.
    os.write(1, f"ended {outcome.step} {outcome.stopped}\n".encode())


if __name__ == "__main__":
    trained(Tiny, sys.argv[1:])
