"""DDIM as latent diffusion's code runs it: the reference against which faster samplers are measured."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from backend.diffusion.schedule import Steps

Denoise = Callable[[Tensor, int], Tensor]  # x and its time -> the noise in it
Watch = Callable[[int, Tensor, Tensor], None]  # steps done, x, the clean x as it is guessed now


def ddim(denoise: Denoise, start: Tensor, steps: Steps, noise: Callable[[], Tensor], watch: Watch) -> Tensor:
    """From pure noise ``start`` (float N x C x H x W) to what ``denoise`` knows (Song et al. 2021, equation 12).

    ``noise()`` is drawn once a step, also where its share is 0, so that a run can be repeated draw by draw. ``watch``
    may raise to end the run. Arithmetic is in float32 whatever the network's own precision.
    """
    x = start.float()
    for done, index in enumerate(steps.order, 1):
        now, before, sigma = (float(table[index]) for table in (steps.alphas, steps.alphas_prev, steps.sigmas))
        found = denoise(x, int(steps.times[index])).float()
        drawn = noise().to(x)
        clean = (x - (1 - now) ** 0.5 * found) / now**0.5
        x = before**0.5 * clean + max(0.0, 1 - before - sigma**2) ** 0.5 * found + sigma * drawn
        watch(done, x, clean)
    return x


def noise_of(seeds: list[int], shape: tuple[int, ...], device: str | torch.device) -> Callable[[], Tensor]:
    """Draws of len(seeds) x ``shape``: sample i comes from a generator of its own, seeded with seeds[i] on the CPU, so
    that it is the same however many others are drawn beside it and on whatever device."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def draw() -> Tensor:
        return torch.stack([torch.randn(shape, generator=each) for each in generators]).to(device)

    return draw
