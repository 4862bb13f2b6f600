"""The auto-encoder that begins as a small picture."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from backend.models.pix2gestalt.config import STARTER
from backend.models.pix2gestalt.network import Pix2Gestalt
from backend.models.pix2gestalt.small_picture import pass_colours


@pytest.fixture(scope="module")
def vae() -> Any:
    torch.manual_seed(0)
    vae = Pix2Gestalt(STARTER).vae.eval()
    pass_colours(vae)
    return vae


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Patches of flat colours, from dark pictures to light ones."""
    few = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(3))
    few = few * torch.tensor([0.2, 0.5, 1.0, 1.0, 1.0])[:, None, None, None] * 2 - 1
    return F.interpolate(few, (48, 48))


def test_latents_are_small_pictures(vae: Any, pictures: torch.Tensor) -> None:
    with torch.no_grad():
        posterior = vae.encode(pictures).latent_dist
    small = F.avg_pool2d(pictures, 4)
    assert (posterior.mean[:, :3] - small).abs().mean() < 0.1
    assert posterior.mean[:, 3].std() < 0.2
    assert posterior.std.max() < 0.1


def test_colours_come_back(vae: Any, pictures: torch.Tensor) -> None:
    with torch.no_grad():
        found = vae.decode(vae.encode(pictures).latent_dist.mode()).sample
    off = (F.avg_pool2d(found, 4) - F.avg_pool2d(pictures, 4)).abs()
    assert off.mean() < 0.15
    assert torch.corrcoef(torch.stack([found.flatten(), pictures.flatten()]))[0, 1] > 0.95


def test_everything_in_it_can_learn(vae: Any, pictures: torch.Tensor) -> None:
    """Residuals begin with nothing, which must not keep them from learning."""
    found = vae.decode(vae.encode(pictures).latent_dist.mode()).sample
    (found - pictures.flip(1)).square().mean().backward()
    last = {name: each.grad for name, each in vae.named_parameters() if name.endswith("conv2.weight")}
    assert last
    assert all(grad is not None and grad.abs().max() > 0 for grad in last.values())
