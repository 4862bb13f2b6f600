"""The losses of pix2pix3D's three networks, each against what it is said to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from backend.models.pix2pix3d import rivals as losses
from backend.models.pix2pix3d.config import Config
from backend.models.pix2pix3d.discriminator import gradient_penalty
from backend.models.pix2pix3d.generator import Jitter, at_size
from backend.models.pix2pix3d.perceptual import Perceptual
from backend.models.pix2pix3d.rivals import FACE_WEIGHTS, Balance, Contest, Rivals
from backend.models.pix2pix3d.superresolution import resized

from . import tiny_pix2pix3d

# The discriminators begin at 128 pixels, and must have channels there.
SMALL = replace(
    tiny_pix2pix3d.SMALL,
    w_dim=8,
    encoder_base=512,
    encoder_most=8,
    plane_base=64,
    plane_most=4,
    decoder_hidden=8,
    super_widths=(4, 4),
)
DRAWING = replace(SMALL, labels=1, draws=True)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def batch_of(config: Config, count: int = 2, step: int = 10_000) -> dict[str, Any]:
    camera = torch.eye(4).repeat(count, 1, 1)
    camera[:, 2, 3] = -config.radius
    lens = torch.tensor([[config.focal, 0, 0.5], [0, config.focal, 0.5], [0, 0, 1]]).repeat(count, 1, 1)
    side = config.map_size
    labels = torch.rand(count, 1, side, side) * 2 - 1
    return {
        "image": torch.rand(count, 3, config.picture_size, config.picture_size) * 2 - 1,
        "labels": labels if config.draws else torch.randint(config.labels, (count, side, side)),
        "camera": torch.cat([camera.flatten(1), lens.flatten(1)], dim=1),
        "step": step,
    }


def contest_of(
    config: Config = SMALL, perceptual: Perceptual | None = None, blurred: bool = True, **balance: Any
) -> tuple[Contest, Rivals, dict[str, Any]]:
    batch = batch_of(config)
    elsewhere = batch["camera"].clone()
    elsewhere[:, 3] = 0.3  # a little to the side
    return Contest(config, Balance(**balance), elsewhere, perceptual, blurred), Rivals(config).train(), batch


def learned(rivals: Rivals, loss: Tensor) -> set[str]:
    """Which parts of the networks the loss teaches."""
    rivals.zero_grad(set_to_none=True)
    loss.backward()
    named = {name for name, each in rivals.named_parameters() if each.grad is not None and each.grad.any()}
    return {".".join(name.split(".")[:2]) for name in named}


@pytest.mark.parametrize("config", [SMALL, DRAWING], ids=["labels", "drawings"])
def test_the_generator_learns_from_all_parts_and_moves_no_style_of_the_mean(config: Config) -> None:
    contest, rivals, batch = contest_of(config, random_pose=0.0, cross_view=1.0, colour=1.0)
    mean: Any = rivals.generator.backbone.mapping.w_avg.clone()
    loss, numbers = contest.generator_loss(rivals, batch)
    assert numbers.keys() == {"fooled", "fooled_semantic", "pictures", "labels", "cross_view"}
    assert all(float(each) > 0 for each in numbers.values())
    assert float(loss.detach()) == pytest.approx(sum(float(each) for each in numbers.values()), rel=1e-5)
    parts = learned(rivals, loss)
    assert {
        f"generator.{name}" for name in ("backbone", "decoder", "superresolution", "superresolution_semantic")
    } < parts
    assert torch.equal(mean, rivals.generator.backbone.mapping.w_avg)


def test_from_elsewhere_nothing_is_compared() -> None:
    contest, rivals, batch = contest_of(random_pose=1.0, colour=1.0, cross_view=0.0)
    _, numbers = contest.generator_loss(rivals, batch)
    assert float(numbers["pictures"]) == float(numbers["labels"]) == 0
    assert "cross_view" not in numbers


def test_colours_do_not_learn_from_the_discriminator_of_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "Jitter", type("Even", (), {"random": staticmethod(Jitter.none)}))
    contest, rivals, batch = contest_of(random_pose=1.0, cross_view=0.0, semantic=1.0)
    rivals.discriminator.requires_grad_(False)
    with torch.no_grad():  # the other one has no opinion: all that is learned is learned from this one
        rivals.discriminator.b4.out.weight.zero_()
        rivals.discriminator.b4.out.bias.zero_()
    loss, _ = contest.generator_loss(rivals, batch)
    parts = learned(rivals, loss)
    assert "generator.superresolution_semantic" in parts
    assert "generator.superresolution" not in parts


def test_labels_are_compared_where_they_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Any] = []
    look = losses._look
    monkeypatch.setattr(losses, "_look", lambda *given: looks.append(look(*given)) or looks[-1])
    contest, rivals, batch = contest_of(
        replace(SMALL, labels=19, plane_channels=20), random_pose=0.0, label=3.0, label_power=2
    )
    _, numbers = contest.generator_loss(rivals, batch)
    weights = torch.tensor(FACE_WEIGHTS).square()
    expected = functional.cross_entropy(looks[0].semantic_raw, at_size(batch["labels"], SMALL.render_size), weights)
    assert float(numbers["labels"]) == pytest.approx(3 * float(expected.detach()), rel=1e-5)


def test_full_pictures_count_as_well_where_they_are_to() -> None:
    sums = []
    for raw_only in (True, False):
        torch.manual_seed(3)
        contest, rivals, batch = contest_of(DRAWING, random_pose=0.0, colour=1.0, raw_only=raw_only)
        torch.manual_seed(4)
        _, numbers = contest.generator_loss(rivals, batch)
        sums.append((float(numbers["pictures"]), float(numbers["labels"])))
    assert all(full > raw for raw, full in zip(*sums, strict=True))


def test_an_object_that_does_not_heed_its_labels_agrees_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "Jitter", type("Even", (), {"random": staticmethod(Jitter.none)}))
    contest, rivals, batch = contest_of(random_pose=0.0, cross_view=1.0)
    _, heeding = contest.generator_loss(rivals, batch)
    assert float(heeding["cross_view"]) > 0
    with torch.no_grad():
        rivals.generator.backbone.mapping.embed_mask.projector.weight.zero_()
    _, heedless = contest.generator_loss(rivals, batch)
    assert float(heedless["cross_view"]) == pytest.approx(0, abs=1e-10)


def test_density_is_to_be_smooth() -> None:
    contest, rivals, batch = contest_of(density=0.5)
    loss, _ = contest.density_loss(rivals, batch)
    assert learned(rivals, loss) <= {"generator.backbone", "generator.decoder"}
    assert float(loss.detach()) > 0
    with torch.no_grad():
        layer: Any = rivals.generator.decoder.net_semantic[2]
        layer.weight[0].zero_()
    flat, _ = contest.density_loss(rivals, batch)
    assert float(flat.detach()) == 0


@pytest.mark.parametrize("name", ["discriminator", "semantic_discriminator"])
@pytest.mark.parametrize("config", [SMALL, DRAWING], ids=["labels", "drawings"])
def test_discriminators_tell_apart_and_are_held_steady(name: str, config: Config) -> None:
    contest, rivals, batch = contest_of(config, gamma=5.0)
    mean = rivals.generator.backbone.mapping.w_avg.clone()
    loss, numbers = getattr(contest, f"{name}_loss")(rivals, batch)
    assert {part.split(".")[0] for part in learned(rivals, loss)} == {name}
    assert numbers.keys() == {"made", "true"}
    assert not torch.equal(mean, rivals.generator.backbone.mapping.w_avg)

    penalty, _ = getattr(contest, f"{name}_penalty")(rivals, batch)
    picture = batch["image"]
    raw = resized(picture, config.render_size)
    if name.startswith("semantic"):
        labels = batch["labels"]
        if not config.draws:
            labels = functional.one_hot(labels, config.labels).permute(0, 3, 1, 2).float()
        full = resized(labels, config.picture_size)
        picture, raw = torch.cat([picture, full], 1), torch.cat([raw, resized(full, config.render_size)], 1)
    slopes = gradient_penalty(getattr(rivals, name), picture, raw, batch["camera"])
    assert float(penalty.detach()) == pytest.approx(2.5 * float(slopes.detach().mean()), rel=1e-4)


def test_made_pictures_are_to_be_told_from_true_ones() -> None:
    contest, rivals, _ = contest_of()
    loss, numbers = contest.discriminator_loss(rivals, batch_of(SMALL, count=1))
    made, true = (torch.as_tensor(numbers[name]) for name in ("made", "true"))
    expected = functional.softplus(made) + functional.softplus(-true)
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-5)


def test_pictures_are_out_of_focus_at_first() -> None:
    contest, _, batch = contest_of()
    picture = batch["image"]
    first, later = (contest._blur(picture, {"step": step}) for step in (0, 5000))
    assert first.var() < later.var() < picture.var()
    assert contest._blur(picture, {"step": 6250}) is picture
    sharp, _, _ = contest_of(blurred=False)
    assert sharp._blur(picture, {"step": 0}) is picture
