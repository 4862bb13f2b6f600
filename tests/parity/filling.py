"""Weights filled from their own names, as those were with which the recorded numbers were made."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def filled(name: str, shape: Sequence[int], prefix: str) -> Tensor:
    """float32 ``shape``: numbers that depend on ``prefix`` and ``name`` alone."""
    seed = zlib.crc32((prefix + name).encode())
    drawn = np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape), dtype=np.float32)
    if len(shape) > 1:
        return torch.from_numpy(drawn / np.float32(np.sqrt(np.prod(shape[1:]))))
    if len(shape) == 1 and name.endswith("running_var"):
        return torch.from_numpy(np.abs(drawn) * np.float32(0.1) + np.float32(0.9))
    if len(shape) == 1 and name.endswith("weight"):
        return torch.from_numpy(1 + np.float32(0.1) * drawn)
    return torch.from_numpy(np.asarray(np.float32(0.1) * drawn, dtype=np.float32))


def drawn(seed: int, *shapes: Sequence[int]) -> list[Tensor]:
    """Normal draws of one generator, one after the other."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return [torch.from_numpy(generator.standard_normal(tuple(shape), dtype=np.float32)) for shape in shapes]
