"""What training minimises: the error of the noise, with conditions left out now and then for guidance."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.diffusion.schedule import stable_diffusion_schedule
from backend.models.pix2gestalt.network import Pix2Gestalt, shares

DROP = 0.05  # each of: the token alone, both, the latents alone


def told(model: Pix2Gestalt, image: Tensor, mask: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """The context (N x 1 x 768) and the latents (N x 8 x s x s) of pictures and masks (float N x 3 x S x S in -1 to 1),
    left out where ``uniform`` (float N, 0 to 1) says so: in 5 % the token, in 5 % both, in 5 % the latents.

    A token that is left out goes through the projection as zeros, other than when sampling.
    """
    token = model.embedding(image)
    concat = torch.cat([model.condition(image), model.condition(mask)], dim=1)
    without_token = (uniform < 2 * DROP)[:, None, None]
    without_latents = ((uniform >= DROP) & (uniform < 3 * DROP))[:, None, None, None]
    context = model.cc_projection(torch.where(without_token, torch.zeros_like(token), token))
    return context, torch.where(without_latents, torch.zeros_like(concat), concat)


def noised(model: Pix2Gestalt, latent: Tensor, time: Tensor, noise: Tensor) -> Tensor:
    """Ho et al. 2020, equation 4: ``latent`` (scaled) at ``time`` (int64 N)."""
    kept, added = shares(model.schedule, time, latent)
    return kept * latent + added * noise


def wanted(model: Pix2Gestalt, latent: Tensor, time: Tensor, noise: Tensor) -> Tensor:
    """What the U-Net should give for ``noised``: the noise or the velocity, as its config says."""
    if model.config.predicts == "noise":
        return noise
    kept, added = shares(model.schedule, time, latent)
    return kept * noise - added * latent


def errors(found: Tensor, wanted: Tensor) -> Tensor:
    """The mean squared error of each example (float32 N), whose mean is the loss (equation 14)."""
    return ((found.float() - wanted.float()) ** 2).mean(dim=(1, 2, 3))


def bound(each: Tensor, time: Tensor) -> Tensor:
    """The weighted mean of the ``errors`` that stands for the variational bound (equation 12); only ever logged."""
    return (torch.from_numpy(stable_diffusion_schedule().bound_weights()).to(each)[time] * each).mean()


def warmed_up(step: int) -> float:
    """The share of the learning rate at ``step``: linear over the first hundred, then all of it."""
    return min(1.0, 1e-6 + (1 - 1e-6) * step / 100)
