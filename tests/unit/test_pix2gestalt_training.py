"""What pix2gestalt learns from, what it starts with, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.models.pix2gestalt import autoencoding, learning
from backend.models.pix2gestalt.autoencoding import AutoencoderRecipe
from backend.models.pix2gestalt.checkpoint import converted, their_name
from backend.models.pix2gestalt.config import STARTER, Config
from backend.models.pix2gestalt.examples import TURNS, framed, make_example
from backend.models.pix2gestalt.framing import frame_of
from backend.models.pix2gestalt.learning import Told
from backend.models.pix2gestalt.names import UNET, ema_name
from backend.models.pix2gestalt.network import Pix2Gestalt, shares
from backend.models.pix2gestalt.objective import noised, wanted
from backend.models.pix2gestalt.pictures import not_white
from backend.models.pix2gestalt.starting import widened
from backend.models.pix2gestalt.training import DiffusionRecipe, recipe
from backend.training.config import TrainConfig, read_config
from backend.training.recipe import Rate, find_recipe
from protocol.problems import ErrorCode, ProblemError

TINY = replace(
    STARTER, channels=(8, 16), heads=2, groups=4, token=16, vae_channels=(8, 16), clip_width=16, clip_side=32, side=32
)
DATA = {"objects": "procedural", "scene_side": 96, "judged": 2}


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starters as small as it goes."""
    monkeypatch.setattr(learning, "STARTER", TINY)


def run(tmp_path: Path, model: dict[str, Any], data: dict[str, Any] = DATA) -> TrainConfig:
    return TrainConfig(
        recipe="pix2gestalt",
        file=tmp_path / "train.toml",
        name="test",
        out=tmp_path,
        steps=2,
        batch_size=2,
        learning_rate=1e-3,
        model=model,
        data=data,
    )


@pytest.fixture
def autoencoder(tmp_path: Path) -> Path:
    """A file with an auto-encoder alone."""
    path = tmp_path / "autoencoder.safetensors"
    torch.manual_seed(0)
    save_file({f"vae.{name}": each for name, each in Pix2Gestalt(TINY).vae.state_dict().items()}, path)
    return path


def test_examples_are_the_same_again_and_hold_what_they_say() -> None:
    hidden, far = [], []
    for index in range(24):
        example = make_example("val", 5, index, 48, 96, "procedural")
        again = make_example("val", 5, index, 48, 96, "procedural")
        assert all(np.array_equal(getattr(example, name), getattr(again, name)) for name in ("image", "mask", "whole"))
        assert set(np.unique(example.mask)) == {0, 255}
        visible, whole = example.mask > 0, not_white(example.whole)
        assert (visible & whole).sum() > 0.8 * visible.sum(), "what is visible is a part of the whole"
        hidden.append(1 - visible.sum() / whole.sum())
        off = np.abs(example.image.astype(int) - example.whole).max(axis=2)
        far.append(np.median(off[visible & whole]))
    assert np.median(far) < 12, "what is visible has the whole's colours, but for borders and shadows"
    assert np.mean(np.array(hidden) > 0.15) > 0.4, "much is hidden in many"


def test_a_frame_s_whole_is_on_white_and_never_white() -> None:
    image = np.full((60, 80, 3), 90, np.uint8)
    whole = np.zeros((60, 80, 4), np.uint8)
    whole[20:40, 30:50] = 255
    modal = np.zeros((60, 80), bool)
    modal[20:40, 30:40] = True
    example = framed(image, modal, whole, 40)
    frame = frame_of(modal)
    assert (frame.width, frame.height) == (40, 40)
    assert not_white(example.whole).sum() == 400
    assert example.whole[0, 0].tolist() == [255, 255, 255]


def test_turns_take_every_scene_equally_often() -> None:
    per, scenes = TURNS.per_scene, TURNS.scenes
    numbers = [TURNS.scene_of(index) for index in range(2 * per * scenes)]
    assert np.array_equal(np.bincount(numbers), np.full(2 * scenes, per))
    assert [TURNS.scene_of(TURNS.first_example(number)) for number in range(2 * scenes)] == list(range(2 * scenes))
    assert TURNS.first_of_turn(per * scenes + 3) == scenes


def test_velocity_and_noise_say_the_same() -> None:
    """With the velocity a network should give, its noise is the one that was added."""
    torch.manual_seed(1)
    model = Pix2Gestalt(TINY)
    latent, noise = torch.randn(2, 5, 4, 16, 16)
    time = torch.tensor([0, 10, 300, 700, 999])
    x = noised(model, latent, time, noise)
    model.prediction = lambda *_: wanted(model, latent, time, noise)  # pyright: ignore[reportAttributeAccessIssue]
    found = model.noise(x, time, x, x)
    assert torch.allclose(found, noise, atol=1e-5)
    kept, added = shares(model.schedule, time, x)
    assert torch.allclose(kept**2 + added**2, torch.ones_like(kept), atol=1e-6)


def test_the_autoencoder_learns_and_its_latents_spread_as_noise_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autoencoding, "_MEASURED", 32)
    made = recipe(run(tmp_path, {"learns": "autoencoder"}))
    assert isinstance(made, AutoencoderRecipe)
    module = made.build()
    losses = learned(made, module, 14, 3e-3)
    assert losses[-1] < 0.8 * losses[0]
    module.eval()
    with torch.no_grad():
        scores = made.evaluate(module)
        assert made.samples(module).shape == (6 * 32, 24 * 32, 3)
    assert set(scores) == {"psnr_image", "psnr_mask", "psnr_whole", "whole_iou"}
    tensors = made.tensors(module)
    model = Pix2Gestalt(TINY)
    assert set(model.load_state_dict(tensors, strict=False).unexpected_keys) == set()
    batch = made.batch(0, range(32))
    pictures = torch.cat([batch["image"], batch["mask"], batch["whole"]])
    with torch.no_grad():
        spread, mean = torch.std_mean(model.condition(batch["whole"]), dim=(0, 2, 3))
        assert spread.sub(1).abs().max() < 0.4
        assert mean.abs().max() < 0.4
        # Shift and scale are folded in: what comes back is the same.
        now = model.picture(model.condition(pictures)[:2])
        before = ((module.decode(module.encode(pictures[:2]).latent_dist.mode()).sample + 1) / 2).clamp(0, 1)  # pyright: ignore
    assert torch.allclose(now, before, atol=1e-4)


def learned(made: Any, module: Any, steps: int, rate: float) -> list[float]:
    weights = [each for each in module.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(weights, rate)
    batch = made.batch(0, range(4))
    losses = []
    for _ in range(steps):
        torch.manual_seed(0)  # the same noise at the same times: what is asked for can be learned by heart
        loss, _ = made.loss(module, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def test_diffusion_learns_on_a_frozen_autoencoder_and_is_scored(tmp_path: Path, autoencoder: Path) -> None:
    made = recipe(run(tmp_path, {"start": str(autoencoder)}))
    assert isinstance(made, DiffusionRecipe)
    module: Any = made.build().train()
    before = {name: each.clone() for name, each in module.vae.state_dict().items()}
    assert all(torch.equal(before[name[4:]], each) for name, each in load_file(autoencoder).items())
    losses = learned(made, module, 25, 3e-3)
    assert losses[-1] < 0.8 * losses[0]
    assert all(torch.equal(before[name], each) for name, each in module.vae.state_dict().items())
    module.eval()
    with torch.no_grad():
        scores = made.evaluate(module)
        sheet = made.samples(module)
    assert set(scores) == {"amodal_miou", "hidden_miou", "hidden_psnr"}
    assert 0 <= scores["amodal_miou"] <= 1
    assert sheet.dtype == np.uint8
    baselines = made.baselines()
    assert set(baselines) == {"visible", "convex_hull", "symmetry-inpaint"}
    assert baselines["visible"]["hidden_miou"] == 0
    assert made.tensors(module).keys() == Pix2Gestalt(TINY).state_dict().keys()
    assert made.rates() == {}


def test_the_authors_folder_is_learned_from(tmp_path: Path, autoencoder: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("occlusion", "whole", "whole_mask", "visible_object_mask"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(4):
            shape = (40, 40) if "mask" in name else (40, 40, 3)
            values = random.integers(0, 2, shape) * 255 if "mask" in name else random.integers(0, 256, shape)
            PIL.Image.fromarray(values.astype(np.uint8)).save(tmp_path / "set" / name / f"{number}.png")
    told = Told.of(run(tmp_path, {"start": str(autoencoder)}, {"folder": str(tmp_path / "set"), "judged": 2}))
    # Three of the four pairs are for training: each comes once before any comes again.
    pictures = [told.example("train", 0, index).image.tobytes() for index in range(6)]
    assert len(set(pictures[:3])) == len(set(pictures[3:])) == 3 == len(set(pictures))
    assert told.example("val", 0, 0).image.tobytes() not in pictures
    batch = recipe(told.run).batch(0, range(2))
    assert batch["whole"].shape == (2, 3, 32, 32)


@pytest.mark.parametrize(
    ("start", "code", "said"),
    [
        ("", ErrorCode.BAD_PARAMETER, "auto-encoder"),
        ("missing.safetensors", ErrorCode.BAD_INPUT, "missing.safetensors"),
        ("broken.safetensors", ErrorCode.BAD_INPUT, "broken.safetensors"),
        ("wide.safetensors", ErrorCode.BAD_PARAMETER, "other widths"),
        ("unet.safetensors", ErrorCode.BAD_PARAMETER, "no whole auto-encoder"),
    ],
)
def test_wrong_starts_are_refused(tmp_path: Path, start: str, code: ErrorCode, said: str) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"not tensors at all")
    model = Pix2Gestalt(TINY)
    save_file({"cc_projection.bias": torch.zeros(99)}, tmp_path / "wide.safetensors")
    save_file({f"unet.{name}": each for name, each in model.unet.state_dict().items()}, tmp_path / "unet.safetensors")
    made = recipe(run(tmp_path, {"start": str(tmp_path / start) if start else ""}))
    with pytest.raises(ProblemError, match=said) as caught:
        made.build()
    assert caught.value.problem.code == code


def authors_tensors(config: Config, averaged: bool) -> dict[str, torch.Tensor]:
    """Random tensors under the authors' names."""
    parts: dict[str, dict[int | None, torch.Tensor]] = {}
    for name, tensor in Pix2Gestalt(config).state_dict().items():
        their, third = their_name(name, config, averaged)
        if name == "clip.visual_projection.weight":
            tensor = tensor.T
        if name.startswith("vae.") and ".attentions." in name and tensor.ndim == 2:
            tensor = tensor[:, :, None, None]
        parts.setdefault(their, {})[third] = tensor
    return {name: torch.cat([each[third] for third in sorted(each, key=str)]) for name, each in parts.items()}


def test_stable_diffusion_s_checkpoint_is_widened_so_that_nothing_changes() -> None:
    config = Config(channels=(32,) * 4, vae_channels=(32,) * 4, clip_width=64, clip_layers=1, clip_side=28)
    whole = authors_tensors(config, averaged=True) | authors_tensors(config, averaged=False)
    narrow = {name: each for name, each in whole.items() if not name.startswith("cc_projection")}
    first = "input_blocks.0.0.weight"
    for name in (f"{UNET}{first}", ema_name(first)):
        narrow[name] = whole[name][:, :4].clone()
    found, tensors = converted(widened(narrow))
    assert found.channels == config.channels
    assert torch.equal(tensors["unet.conv_in.weight"][:, :4], narrow[ema_name(first)])
    assert not tensors["unet.conv_in.weight"][:, 4:].any()
    assert torch.equal(tensors["cc_projection.weight"], torch.eye(768))
    assert widened(whole).keys() == whole.keys()
    assert all(torch.equal(each, whole[name]) for name, each in widened(whole).items())


def test_published_projections_learn_ten_times_as_quickly(tmp_path: Path, autoencoder: Path) -> None:
    assert recipe(run(tmp_path, {"size": "published", "start": str(autoencoder)})).rates() == {
        "cc_projection.": Rate(10.0)
    }


@pytest.mark.parametrize("name", ["train.toml", "onward.toml", "autoencoder.toml"])
def test_the_starter_s_own_configs_are_sound(name: str) -> None:
    make, file = find_recipe("pix2gestalt")
    facts = make(read_config(file.with_name(name), "pix2gestalt")).facts()
    assert facts.tasks == ("complete",)
