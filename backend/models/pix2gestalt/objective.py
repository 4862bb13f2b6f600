"""What training minimises: the error of the noise, with conditions left out now and then for guidance, and for a small
network that of the shape too."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.diffusion.schedule import stable_diffusion_schedule
from backend.models.pix2gestalt.network import Pix2Gestalt, shares

DROP = 0.05  # each of: the token alone, both, the latents alone
_GREY = 0.114, 0.587, 0.299  # of red, green and blue, as the threshold sees it (pictures.py)
_SURE = 40.0  # how sure of being object a pixel is as it goes from white to black


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


def clean(model: Pix2Gestalt, x: Tensor, time: Tensor, found: Tensor) -> Tensor:
    """The latent (scaled) that ``x`` is at ``time`` (int64 N) when ``found`` is what the U-Net gave for it."""
    kept, added = shares(model.schedule, time, x)
    if model.config.predicts == "noise":
        return (x - added * found) / kept
    return kept * x - added * found


@torch.no_grad()
def _flat(model: Pix2Gestalt, device: torch.device) -> Tensor:
    """2 x 3 x 1 x 1: the first three latent channels of white and of black."""
    side = model.config.side
    pictures = torch.tensor([1.0, -1.0], device=device)[:, None, None, None].expand(2, 3, side, side)
    return model.config.latent_scale * model.condition(pictures)[:, :3].float().mean(dim=(2, 3), keepdim=True)


def coarse(model: Pix2Gestalt, latent: Tensor) -> Tensor:
    """float32 N x 3 x s x s in -1 to 1: the mean colours under each pixel of ``latent`` (scaled), of a model whose
    auto-encoder was trained here: its first three channels are these (autoencoding.py), on scales of their own."""
    white, black = _flat(model, latent.device)
    return 2 * (latent[:, :3].float() - black) / (white - black) - 1


def shape_errors(made: Tensor, whole: Tensor, mask: Tensor, white: int) -> Tensor:
    """How far the mask of what was ``made`` is from that of the ``whole`` where the object is not visible anyway:
    cross entropy and Dice (Milletari et al. 2016, equation 3 with squares left out) of each example, float32 N.

    ``made`` is float N x 3 x s x s, the others are float N x 3 x S x S, all in -1 to 1; ``mask`` is 1 where the object
    is visible; greys up to ``white`` (of 255) are object."""
    weights = torch.tensor(_GREY, device=made.device)[None, :, None, None]
    size = made.shape[2], made.shape[3]
    whole, mask = (F.adaptive_avg_pool2d(each.float(), size) for each in (whole, mask))
    off, truly_off = (white / 127.5 - 1 - (each * weights).sum(dim=1) for each in (made, whole))
    logits, truly = _SURE * off / 2, (truly_off >= 0).float()
    unseen = (mask[:, 0] < 0).float()
    entropy = F.binary_cross_entropy_with_logits(logits, truly, unseen, reduction="none").mean(dim=(1, 2))
    covered = torch.where(unseen > 0, torch.sigmoid(logits), 1.0)
    truly = torch.where(unseen > 0, truly, 1.0)
    dice = 1 - 2 * (covered * truly).sum(dim=(1, 2)) / (covered + truly).sum(dim=(1, 2))
    return entropy + dice


def bound(each: Tensor, time: Tensor) -> Tensor:
    """The weighted mean of the ``errors`` that stands for the variational bound (equation 12); only ever logged."""
    return (torch.from_numpy(stable_diffusion_schedule().bound_weights()).to(each)[time] * each).mean()


def warmed_up(step: int) -> float:
    """The share of the learning rate at ``step``: linear over the first hundred, then all of it."""
    return min(1.0, 1e-6 + (1 - 1e-6) * step / 100)
