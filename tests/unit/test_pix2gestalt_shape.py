"""What a small pix2gestalt is told about shapes while it learns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from backend.hub.registry import find_card
from backend.hub.weights import read_weights
from backend.models.pix2gestalt.config import STARTER
from backend.models.pix2gestalt.network import Pix2Gestalt
from backend.models.pix2gestalt.objective import clean, coarse, noised, shape_errors, wanted

SIDE, WHITE = 32, 220


@pytest.mark.parametrize("predicts", ["noise", "velocity"])
def test_what_is_left_without_the_noise_is_what_it_was_added_to(predicts: str) -> None:
    torch.manual_seed(0)
    model = Pix2Gestalt(replace(STARTER, predicts=predicts))
    latent, noise = torch.randn(2, 3, 4, 24, 24)
    time = torch.tensor([0, 300, 700])
    x = noised(model, latent, time, noise)
    assert torch.allclose(clean(model, x, time, wanted(model, latent, time, noise)), latent, atol=1e-3)


@torch.no_grad()
def test_a_starter_s_latents_are_coarse_pictures() -> None:
    weights = find_card("pix2gestalt-starter").weights
    assert weights is not None
    model = Pix2Gestalt(STARTER)
    model.load_state_dict({name: each.float() for name, each in read_weights(weights).items()})
    torch.manual_seed(0)
    small = torch.nn.functional.interpolate(torch.rand(6, 3, 6, 6) * 2 - 1, (96, 96), mode="bicubic").clamp(-1, 1)
    latent = STARTER.latent_scale * model.condition(small)
    means = torch.nn.functional.avg_pool2d(small, 4)
    assert (coarse(model, latent) - means).abs().mean() < 0.05


def square(x0: int, x1: int, colour: float = -0.2) -> torch.Tensor:
    """1 x 3 x S x S: columns ``x0`` to ``x1`` of the middle on white."""
    picture = torch.ones(1, 3, SIDE, SIDE)
    picture[..., 8:24, x0:x1] = colour
    return picture


def error(made: torch.Tensor, whole: torch.Tensor, mask: torch.Tensor) -> float:
    pooled = torch.nn.functional.avg_pool2d(made, 4)
    return float(shape_errors(pooled, whole, mask, WHITE)[0])


def test_what_is_missing_or_too_much_is_an_error() -> None:
    whole, mask = square(8, 24), -square(8, 16, colour=-1.0)
    right = error(whole, whole, mask)
    assert right < 0.1
    assert error(square(8, 16), whole, mask) > right + 0.3, "the hidden half is missing"
    assert error(square(8, 20), whole, mask) > right + 0.1
    assert error(square(8, 28), whole, mask) > right + 0.1, "too far"
    assert error(square(8, 20), whole, mask) < error(square(8, 16), whole, mask)


def test_what_is_visible_and_its_colours_are_no_matter_of_shape() -> None:
    whole, mask = square(8, 24), -square(8, 16, colour=-1.0)
    assert error(square(16, 24), whole, mask) == pytest.approx(error(whole, whole, mask))
    assert error(square(8, 24, colour=0.3), whole, mask) == pytest.approx(error(whole, whole, mask), abs=0.02)


def test_a_shape_can_be_learned_from_its_error() -> None:
    whole, mask = square(8, 24), -square(8, 16, colour=-1.0)
    made = torch.full((1, 3, SIDE // 4, SIDE // 4), 0.8, requires_grad=True)
    optimiser = torch.optim.Adam([made], 0.05)
    for _ in range(60):
        optimiser.zero_grad()
        shape_errors(made, whole, mask, WHITE).sum().backward()
        optimiser.step()
    object_ = made.detach()[0].mean(dim=0) < WHITE / 127.5 - 1
    assert object_[2:6, 4:6].all()
    assert not object_[:, 6:].any()
    assert not object_[:2].any()
