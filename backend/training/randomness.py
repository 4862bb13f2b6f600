"""Random numbers that depend on what they are for and on nothing that went before."""

from __future__ import annotations

import random

import numpy as np
import torch

# What numbers are for; the second number of a key.
BUILD, BATCH, LOSS, EVALUATE = range(4)


def seed_all(*key: int) -> None:
    """Seed the generators of python, numpy and torch (the CPU's, and all GPUs' where they are in use) from ``key``,
    numbers of 0 and up.

    Keys that differ in any number give independent streams (numpy's SeedSequence mixes them). As every step is seeded
    so, a resumed run needs no generator's state and is the same on any number of processes.
    """
    words = np.random.SeedSequence(key).generate_state(4)
    random.seed(int(words[0]))
    np.random.seed(words[1])  # noqa: NPY002 - recipes and libraries may use it
    seed = int(words[2]) << 32 | int(words[3])
    # torch.manual_seed would also note, with a trace of the stack, a seed for every kind of device that is not in use;
    # that takes longer than a small step.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
