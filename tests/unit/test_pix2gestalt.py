"""pix2gestalt's own promises: what it is told, seeds, frames, masks, and checkpoints that are not its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from backend.diffusion.ddim import noise_of
from backend.diffusion.schedule import ddim_steps
from backend.imaging.boxes import Box, whole
from backend.imaging.crops import crop, crop_going_on, put_back
from backend.imaging.masks import dilated, eroded, iou
from backend.models.pix2gestalt.checkpoint import converted
from backend.models.pix2gestalt.config import STARTER, Config, read_config, write_config
from backend.models.pix2gestalt.framing import as_published, frame_of, placed, seen
from backend.models.pix2gestalt.inference import STARTER_QUALITIES, Completer
from backend.models.pix2gestalt.network import Pix2Gestalt
from backend.models.pix2gestalt.pictures import from_network, grey, not_white, to_network
from backend.models.pix2gestalt.sampling import Conditions, Sampling, conditions, sample
from backend.pipelines.context import Cancelled, Context
from protocol.problems import ErrorCode, ProblemError

TINY = Config(
    channels=(8, 16),
    layers=1,
    heads=2,
    groups=4,
    token=16,
    vae_channels=(8, 8),
    vae_layers=1,
    vae_groups=4,
    clip_width=16,
    clip_layers=1,
    clip_patch=8,
    clip_side=16,
    side=32,
)


@pytest.fixture(scope="module")
def model() -> Pix2Gestalt:
    torch.manual_seed(0)
    return Pix2Gestalt(TINY).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def told(model: Pix2Gestalt) -> Conditions:
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return conditions(model, picture, torch.ones(1, 3, 32, 32))


def sampled(model: Pix2Gestalt, told: Conditions, seeds: list[int], how: Sampling, count: int = 0) -> Tensor:
    noise = noise_of(seeds, (4, 16, 16), "cpu")
    return sample(model, told, count or len(seeds), noise, how, lambda *_: None)


def test_conditions_are_the_posteriors_modes_and_not_scaled(model: Pix2Gestalt, told: Conditions) -> None:
    mask = torch.ones(1, 3, 32, 32)
    assert torch.equal(told.concat[:, 4:], model.vae.encode(mask).latent_dist.mean)
    scaled = model.latent(mask, torch.zeros(1, 4, 16, 16))
    torch.testing.assert_close(scaled, TINY.latent_scale * told.concat[:, 4:])


def test_one_token_needs_no_queries(model: Pix2Gestalt) -> None:
    x, time, concat = torch.randn(2, 4, 16, 16), torch.tensor([5, 900]), torch.randn(2, 8, 16, 16)
    context = torch.randn(2, 1, 16)
    quick = model.noise(x, time, concat, context)
    from diffusers.models.attention_processor import AttnProcessor2_0

    full = Pix2Gestalt(TINY).eval().requires_grad_(False)
    full.load_state_dict(model.state_dict())
    full.unet.set_attn_processor(AttnProcessor2_0())
    torch.testing.assert_close(quick, full.noise(x, time, concat, context), rtol=1e-4, atol=1e-5)


def test_nothing_told_is_zeros_after_the_projection(model: Pix2Gestalt, told: Conditions) -> None:
    """So a change of the projection's bias changes only what is told."""
    how = Sampling("ddim", 4, 0.0)
    before = sampled(model, told, [1], how)
    other = Pix2Gestalt(TINY).eval().requires_grad_(False)
    other.load_state_dict(model.state_dict())
    other.cc_projection.bias.add_(1)
    assert torch.equal(before, sampled(other, told, [1], how))
    assert not torch.equal(sampled(model, told, [1], Sampling("ddim", 4, 1.0)), before)


@pytest.mark.parametrize("sampler", ["ddim", "dpm", "unipc"])
def test_a_sample_is_its_seed_s_whatever_is_made_beside_it(model: Pix2Gestalt, told: Conditions, sampler: Any) -> None:
    how = Sampling(sampler, 6, 2.0)
    alone, beside = sampled(model, told, [7], how), sampled(model, told, [3, 7], how)
    torch.testing.assert_close(alone[0], beside[1], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(beside[0], beside[1])
    apart = sampled(model, told, [3, 7], replace(how, together=False))
    torch.testing.assert_close(apart, beside, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sampler", ["dpm", "unipc"])
def test_fast_samplers_end_where_the_reference_does(sampler: Any) -> None:
    """On noise that is known: data of mean 2 and spread 0.1, for which the best guess is linear."""
    from backend.diffusion.ddim import ddim
    from backend.diffusion.fast import solve
    from backend.diffusion.schedule import stable_diffusion_schedule

    shares = stable_diffusion_schedule().alphas_cumprod

    def denoise(x: Tensor, time: int) -> Tensor:
        share = float(shares[time])
        return (x - share**0.5 * 2) * (1 - share) ** 0.5 / (share * 0.01 + 1 - share)

    start = torch.randn(64, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    reference = ddim(denoise, start, ddim_steps(200, 0.0), lambda: torch.zeros_like(start), lambda *_: None)
    assert float(reference.mean()) == pytest.approx(2, abs=0.02)
    fast = solve(denoise, start, 20, sampler, lambda *_: None)
    assert float((fast - 2).abs().mean()) < 0.15
    torch.testing.assert_close(fast.mean(), reference.mean(), rtol=0, atol=0.02)


@pytest.mark.parametrize("sampler", ["dpm", "unipc"])
def test_a_noisier_schedule_is_sampled_as_it_says(sampler: Any) -> None:
    from backend.diffusion.fast import solve
    from backend.diffusion.schedule import noisier_schedule, stable_diffusion_schedule

    usual, noisier = stable_diffusion_schedule(), noisier_schedule(4.0)
    assert noisier_schedule(1.0) is usual
    now, before = noisier.alphas_cumprod, usual.alphas_cumprod
    np.testing.assert_allclose((1 - now) / now, 16 * (1 - before) / before, rtol=1e-9)
    np.testing.assert_allclose(np.cumprod(1 - noisier.betas), now, rtol=1e-9)

    def denoise(x: Tensor, time: int) -> Tensor:
        share = float(now[time])
        return (x - share**0.5 * 2) * (1 - share) ** 0.5 / (share * 0.01 + 1 - share)

    start = torch.randn(64, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = solve(denoise, start, 20, sampler, lambda *_: None, noisier)
    assert float((found - 2).abs().mean()) < 0.15


@pytest.mark.parametrize("count", [0, 1, 3, 37, 105, 110, 300, 501, 1000, 1001])
def test_steps_that_cannot_be_made_are_refused(count: int) -> None:
    with pytest.raises(ProblemError, match="cannot make") as caught:
        ddim_steps(count, 1)
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER


@pytest.mark.parametrize(("count", "first", "visited"), [(200, 991, 199), (50, 961, 49), (75, 976, 76), (4, 501, 3)])
def test_the_largest_time_is_never_visited(count: int, first: int, visited: int) -> None:
    steps = ddim_steps(count, 1)
    assert len(steps.order) == visited
    assert steps.times[steps.order[0]] == first
    assert steps.times[steps.order[-1]] == 1


def test_pictures_are_cut_off_and_greys_weigh_as_published() -> None:
    assert from_network(torch.full((1, 3, 1, 1), 0.99999))[0, 0, 0].tolist() == [254] * 3
    colours = np.array([[[255, 0, 0], [0, 0, 255], [250, 250, 250], [251, 251, 251]]], np.uint8)
    assert grey(colours)[0].tolist() == [29, 76, 250, 251]
    assert not_white(colours)[0].tolist() == [True, True, True, False]
    assert to_network(np.array([[0, 255]], np.uint8))[0, :, 0].tolist() == [[-1, 1]] * 3


def test_crops_go_over_the_border_and_come_back() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    box = Box(-5, 10, 12, 26)
    part = crop_going_on(picture, box)
    assert part.shape == (16, 17, 3)
    assert np.array_equal(part[0, 0], picture[10, 0])
    assert np.array_equal(part[-1, -1], picture[19, 11])
    assert np.array_equal(crop(picture, box, 9)[:, 5:][:10], picture[10:20, :12])
    assert (crop(picture, box, 9)[:, :5] == 9).all()
    back = put_back(part, box, (20, 30), 7)
    assert np.array_equal(back[10:, :12], picture[10:, :12])
    assert (back[:10] == 7).all()


def scene(size: tuple[int, int], centre: tuple[int, int], radius: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A red disc behind a green bar that hides its right half: picture, visible mask, all of the disc."""
    image = np.full((*size, 3), 120, np.uint8)
    disc = cv2.circle(np.zeros(size, np.uint8), centre, radius, 1, -1) > 0
    image[disc] = (200, 30, 30)
    bar = np.zeros(size, bool)
    bar[:, centre[0] : centre[0] + radius + 4] = True
    image[bar] = (20, 160, 40)
    return image, disc & ~bar, disc


@pytest.mark.parametrize(
    ("size", "centre", "radius"), [((300, 420), (150, 160), 60), ((90, 800), (20, 40), 30), ((900, 700), (690, 890), 8)]
)
def test_a_perfect_completion_comes_back_to_its_place(
    size: tuple[int, int], centre: tuple[int, int], radius: int
) -> None:
    image, mask, disc = scene(size, centre, radius)
    frame = frame_of(mask)
    on_white = np.where(disc[..., None], np.array([200, 30, 30], np.uint8), np.uint8(255))
    made = cv2.resize(crop(on_white, frame, 255), (128, 128), interpolation=cv2.INTER_AREA)
    found = placed(made, image, mask, frame, Config())
    assert found.rgba.shape == (*size, 4)
    assert iou(found.amodal, disc) > 0.9
    assert (found.amodal | ~mask).all(), "what is visible is part of the whole"
    kept = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert np.array_equal(found.rgba[..., :3][kept], image[kept])
    assert (found.rgba[..., 3][mask] >= 128).all()
    # Solid but for the pixels next to the outside, where a cut-out would show steps.
    outermost = mask & dilated(~found.amodal, 1)
    assert (found.rgba[..., 3][mask & ~dilated(~found.amodal, 3)] == 255).all()
    assert (found.rgba[..., 3][outermost] < 255).all()
    assert (found.rgba[..., 3][~found.amodal] == 0).all()
    assert found.likeness > 0.8


def test_marks_elsewhere_are_no_part_of_the_object() -> None:
    image, mask, _ = scene((200, 200), (90, 100), 40)
    frame = frame_of(mask)
    made = np.full((64, 64, 3), 255, np.uint8)
    made[seen(image, mask, frame, 64)[1] > 0] = (200, 30, 30)
    alone = placed(made, image, mask, frame, Config()).amodal
    made[:4, :4] = 0
    assert np.array_equal(placed(made, image, mask, frame, Config()).amodal, alone)


def test_a_doubtful_rim_is_no_hidden_part_but_filled_gaps_are() -> None:
    image = np.full((192, 192, 3), 120, np.uint8)
    mask = np.zeros((192, 192), bool)
    mask[60:132, 60:132] = True
    mask[:, 94:97] = False  # a stick stands in front
    image[mask] = (200, 30, 30)
    frame = frame_of(mask)
    whole = np.zeros((192, 192), bool)
    whole[60:132, 60:152] = True  # twenty pixels are hidden on the right
    doubtful = cv2.dilate(whole.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    shown = np.where(doubtful[..., None], np.array([200, 30, 30], np.uint8), np.uint8(255))
    made = cv2.resize(crop(shown, frame, 255), (72, 72), interpolation=cv2.INTER_AREA)
    plain, cut = (placed(made, image, mask, frame, Config(rim=rim)).amodal for rim in (0.0, 1.0))
    assert cut[60:132, 94:97].all(), "what the stick hides"
    assert cut[62:130, 134:150].all(), "what is hidden on the right"
    assert not cut[:, :58].any(), "nothing where the edge is to be seen"
    assert plain[:, 57:60].any()
    assert iou(cut, whole) > iou(plain, whole) + 0.03


def test_colours_of_what_is_seen_are_carried_over_what_is_not() -> None:
    image, mask, disc = scene((300, 420), (150, 160), 60)
    frame = frame_of(mask)
    # The network found the shape, but in the colours of what is in front.
    on_white = np.where(disc[..., None], np.array([90, 90, 200], np.uint8), np.uint8(255))
    made = cv2.resize(crop(on_white, frame, 255), (96, 96), interpolation=cv2.INTER_AREA)
    hidden = eroded(disc, 4) & ~dilated(mask, 4)
    assert hidden.sum() > 100
    as_made, carried = (placed(made, image, mask, frame, Config(colours=way)) for way in ("made", "seen"))
    assert np.array_equal(as_made.amodal, carried.amodal)
    told = np.median(image[mask], axis=0)
    assert np.abs(np.median(as_made.rgba[..., :3][hidden], axis=0) - (90, 90, 200)).max() < 12
    assert np.abs(np.median(carried.rgba[..., :3][hidden], axis=0) - told).max() < 12
    assert (carried.rgba[..., 3][hidden] == 255).all()
    assert (carried.rgba[..., 3][~carried.amodal] == 0).all()


@pytest.mark.parametrize("blur", [0.0, 1.0, 2.0])
def test_a_soft_rim_is_cut_where_half_of_it_is_object(blur: float) -> None:
    """And has the object's colour, without the white that it fades into; white parts inside are no holes."""
    image, mask, disc = scene((300, 420), (150, 160), 60)
    frame = frame_of(mask)
    on_white = np.where(disc[..., None], np.array([200, 30, 30], np.uint8), np.uint8(255))
    on_white[140:160, 155:165] = 244
    made = cv2.resize(crop(on_white, frame, 255), (96, 96), interpolation=cv2.INTER_AREA)
    if blur:
        made = cv2.GaussianBlur(made, (0, 0), blur)
    found = placed(made, image, mask, frame, Config())
    assert iou(found.amodal, disc) > 0.96
    hidden = found.amodal & ~mask
    rim = hidden & cv2.dilate((~found.amodal).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    assert rim.any()
    off = np.abs(found.rgba[..., :3][rim].astype(int) - (200, 30, 30))
    assert np.median(off) < 40, "the rim is red, not pink"


def test_as_published_nothing_is_put_back() -> None:
    image, mask, _ = scene((200, 300), (90, 100), 40)
    made = np.full((256, 256, 3), 255, np.uint8)
    made[10:40, 10:40] = 0
    found = as_published(made, image, mask)
    assert not found.amodal[mask].any()
    assert found.amodal[10:28, 14:44].all()
    assert found.likeness == 0
    assert np.array_equal(seen(image, mask, whole(mask.shape), 256)[0], cv2.resize(image, (256, 256), interpolation=3))


class Watched(Context):
    def __init__(self, end_at: int = 10**6) -> None:
        super().__init__()
        self.steps: list[int] = []
        self.previews: list[dict[str, Any]] = []
        self.end_at = end_at

    def step(self, done: int, message: str = "") -> None:
        self.steps.append(done)
        self.cancelled = len(self.steps) >= self.end_at
        super().step(done, message)

    def preview(self, stage: str, **values: Any) -> None:
        self.previews.append(values)


def test_completing_reports_previews_and_stops(model: Pix2Gestalt) -> None:
    image, mask, _ = scene((90, 120), (50, 40), 20)
    completer, context = Completer(model, "cpu"), Watched()
    found = completer.complete(image, mask, None, 3, 5, context, "draft")
    assert len(found) == 3
    scores = [score for _, _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert context.steps[:10] == list(range(1, 11))
    assert len(context.previews) == 3
    again = completer.complete(image, mask, None, 3, 5, Watched(), "draft")
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(found, again, strict=True))
    published = completer.complete(image, mask, None, 1, 5, Watched(), "reference")
    assert published[0][0].shape == (90, 120, 4)
    stopped = Watched(end_at=4)
    with pytest.raises(Cancelled):
        completer.complete(image, mask, None, 1, 5, stopped, "standard")
    assert len(stopped.steps) == 4


def test_a_sample_of_the_small_network_is_the_same_whatever_else_is_made(
    model: Pix2Gestalt, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, mask, _ = scene((90, 120), (50, 40), 20)
    completer = Completer(model, "cpu", STARTER_QUALITIES)
    latents: list[Tensor] = []
    decode = completer._picture
    monkeypatch.setattr(completer, "_picture", lambda latent: latents.append(latent) or decode(latent))
    completer.complete(image, mask, None, 2, 5, Watched(), "standard")
    first = latents[-2]
    completer.complete(image, mask, None, 1, 5, Watched(), "standard")
    assert torch.allclose(latents[-1], first, atol=1e-5)


def test_a_sample_is_the_mean_of_its_draws(model: Pix2Gestalt, told: Conditions) -> None:
    how = Sampling(steps=2, guidance=1.5, draws=3)
    means = sampled(model, told, [1, 2, 3, 4, 5, 6], how, count=2)
    single = sampled(model, told, [1, 2, 3, 4, 5, 6], replace(how, draws=1))
    assert means.shape == (2, 4, 16, 16)
    for mean, three in zip(means, single.split(3), strict=True):
        assert torch.allclose(mean, three.mean(dim=0), atol=1e-5)


def test_config_comes_back(tmp_path: Any) -> None:
    write_config(STARTER, tmp_path / "config.json")
    assert read_config(tmp_path / "config.json") == STARTER
    (tmp_path / "config.json").write_text('{"channels": "wide"}', "utf-8")
    with pytest.raises(ProblemError, match=r"config\.json"):
        read_config(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ({}, "input_blocks.0.0.weight” is missing"),
        (
            {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(320, 8, 3, 3)},
            "takes 8 channels in place of 12",
        ),
    ],
)
def test_checkpoints_of_others_are_refused(theirs: dict[str, Tensor], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        converted(theirs)
