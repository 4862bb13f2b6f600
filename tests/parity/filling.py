"""Weights filled from their own names, as those were with which the recorded numbers were made."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Rule = Literal["std", "unit"]


def filled(name: str, shape: Sequence[int], prefix: str, rule: Rule = "std") -> Tensor:
    """float32 ``shape``: numbers that depend on ``prefix`` and ``name`` alone.

    Rule "unit" is for layers that divide by their fan-in when they are run: what they store is not scaled.
    """
    seed = zlib.crc32((prefix + name).encode())
    drawn = np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape), dtype=np.float32)
    made = _unit(name, drawn) if rule == "unit" else _standard(name, drawn)
    return torch.from_numpy(np.asarray(made, dtype=np.float32))


def _standard(name: str, drawn: np.ndarray) -> np.ndarray:
    if drawn.ndim > 1:
        return drawn / np.float32(np.sqrt(np.prod(drawn.shape[1:])))
    if drawn.ndim == 1 and name.endswith("running_var"):
        return np.abs(drawn) * np.float32(0.1) + np.float32(0.9)
    if drawn.ndim == 1 and name.endswith("weight"):
        return 1 + np.float32(0.1) * drawn
    return np.float32(0.1) * drawn


def _unit(name: str, drawn: np.ndarray) -> np.ndarray:
    slow = re.search(r"(?:^|mapping\.)fc\d+\.(weight|bias)$", name)
    if slow:
        return (100 if slow[1] == "weight" else 10) * drawn
    if name.endswith("affine.bias"):
        return 1 + np.float32(0.1) * drawn
    if name.endswith("net_semantic.2.weight"):
        drawn[0] *= 10
    return np.float32(0.1) * drawn if drawn.ndim < 2 else drawn


def drawn(seed: int, *shapes: Sequence[int]) -> list[Tensor]:
    """Normal draws of one generator, one after the other."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return [torch.from_numpy(generator.standard_normal(tuple(shape), dtype=np.float32)) for shape in shapes]


def drawn_evenly(seed: int, shape: Sequence[int]) -> Tensor:
    """Even draws, 0 to 1."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return torch.from_numpy(generator.random(tuple(shape), dtype=np.float32))
