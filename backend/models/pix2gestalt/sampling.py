"""From a picture and a visible mask to completions: conditions once, then a sampler with guidance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from backend.diffusion.ddim import Denoise, Watch, ddim
from backend.diffusion.fast import solve
from backend.diffusion.schedule import ddim_steps
from backend.models.pix2gestalt.config import LATENT
from backend.models.pix2gestalt.network import Pix2Gestalt

Sampler = Literal["ddim", "dpm", "unipc"]


@dataclass(frozen=True)
class Sampling:
    """``guidance`` 1 asks for one pass of the network instead of two; ``eta`` is DDIM's alone. With ``together`` both
    passes of guidance are one batch: quicker, and more memory. A sample is the mean of so many ``draws``, which a
    network that has learned little is nearer to the truth with."""

    sampler: Sampler = "dpm"
    steps: int = 20
    guidance: float = 2.0
    eta: float = 1.0
    together: bool = True
    draws: int = 1


REFERENCE = Sampling("ddim", 200, 2.0, 1.0)


@dataclass(frozen=True, eq=False)
class Conditions:
    """What is told to the U-Net of one picture and one mask: the ``token`` (1 x 1 x 768, before its projection) and
    the latents ``concat`` (1 x 8 x s x s). The token and the first half depend on the picture alone."""

    token: Tensor
    concat: Tensor


def conditions(
    model: Pix2Gestalt, picture: Tensor, mask: Tensor, bring: Callable[[str], None] = lambda part: None
) -> Conditions:
    """``picture`` and ``mask`` float 1 x 3 x S x S in -1 to 1. ``bring`` hears which part of the model works next."""
    bring("clip")
    token = model.embedding(picture)
    bring("vae")
    return Conditions(token, torch.cat([model.condition(picture), model.condition(mask)], dim=1))


def sample(
    model: Pix2Gestalt, told: Conditions, count: int, noise: Callable[[], Tensor], how: Sampling, watch: Watch
) -> Tensor:
    """``count`` scaled latents (float32 count x 4 x s x s). ``noise()`` gives ``draws`` for each of them (float32
    (count · draws) x 4 x s x s): first the start, then one a step of DDIM. ``watch`` hears of each step and may raise
    to end the run.

    ProblemError (BAD_PARAMETER) for a number of steps that the sampler cannot make.
    """
    denoise = _denoiser(model, told, count * how.draws, how)
    start = noise()
    assert start.shape[:2] == (count * how.draws, LATENT)
    if how.sampler == "ddim":
        made = ddim(denoise, start, ddim_steps(how.steps, how.eta, model.schedule), noise, watch)
    else:
        made = solve(denoise, start, how.steps, how.sampler, watch, model.schedule)
    return made.unflatten(0, (count, how.draws)).mean(dim=1)


def _denoiser(model: Pix2Gestalt, told: Conditions, count: int, how: Sampling) -> Denoise:
    """The noise in x, with guidance (Ho and Salimans 2022, equation 6)."""
    context = model.cc_projection(told.token.to(model.cc_projection.weight.dtype)).expand(count, -1, -1)
    concat = told.concat.expand(count, -1, -1, -1)
    if how.guidance == 1.0:
        return lambda x, time: model.noise(x, _times(time, x), concat, context)
    # Nothing told is zeros after the projection, not the projection of zeros as in training: so the authors sample.
    nothing = torch.zeros_like(concat), torch.zeros_like(context)

    def denoise(x: Tensor, time: int) -> Tensor:
        if how.together:
            both = torch.cat([nothing[0], concat]), torch.cat([nothing[1], context])
            twice = torch.cat([x, x])
            free, told_noise = model.noise(twice, _times(time, twice), *both).float().chunk(2)
        else:
            free, told_noise = (model.noise(x, _times(time, x), *each).float() for each in (nothing, (concat, context)))
        return free + how.guidance * (told_noise - free)

    return denoise


def _times(time: int, x: Tensor) -> Tensor:
    return torch.full((len(x),), time, dtype=torch.int64, device=x.device)
