"""pix2pix3D trained as published, on zips of a few labelled pictures: its recipe, from the data to a loaded model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from backend.hub.cards import read_card
from backend.models.pix2pix3d import contest_training, training
from backend.models.pix2pix3d.config import PUBLISHED
from backend.models.pix2pix3d.contest_training import ContestRecipe
from backend.models.pix2pix3d.perceptual import Perceptual
from backend.models.pix2pix3d.rivals import Rivals
from backend.models.pix2pix3d.trained import load
from backend.training.config import TrainConfig, read_config
from backend.training.loop import train
from backend.training.progress import Silent
from protocol.problems import ErrorCode, ProblemError

from .test_pix2pix3d_rivals import SMALL
from .tiny_pictures import NAMES, write_zips
from .tiny_snapshots import Module, network, write

SIZES = replace(SMALL, label_size=32, render_size=16)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    drawing = replace(SIZES, labels=1, draws=True)
    for preset, config in (("seg2cat", SIZES), ("seg2face", SIZES), ("edge2car", drawing)):
        monkeypatch.setitem(PUBLISHED, preset, config)


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zips")
    write_zips(folder)
    return folder


def config_of(zips: Path, out: Path, preset: str = "seg2cat", labels: str = "labels", **told: Any) -> TrainConfig:
    data = {"images": str(zips / "images.zip"), "labels": str(zips / f"{labels}.zip"), "judged": 2}
    if labels == "labels":
        data["names"] = list(NAMES)
    model = {"preset": preset, "label_power": 0, **told.pop("model", {})}
    return TrainConfig(
        recipe="pix2pix3d", file=out / "t.toml", name="t", out=out, steps=3, batch_size=2, learning_rate=2.5e-3,
        schedule="constant", clip=0.0, workers=0, model=model, data={**data, **told.pop("data", {})}, **told,
    )  # fmt: skip


def recipe_of(*given: Any, **told: Any) -> ContestRecipe:
    made = training.recipe(config_of(*given, **told))
    assert isinstance(made, ContestRecipe)
    return made


def test_a_batch_is_a_function_of_its_indices_and_leaves_out_what_is_judged(zips: Path, tmp_path: Path) -> None:
    made = recipe_of(zips, tmp_path)
    first, again = made.batch(0, [4, 5]), made.batch(0, [4, 5])
    assert torch.equal(first["image"], again["image"])
    assert first["step"] == 2
    assert first["image"].shape == (2, 3, 128, 128)
    assert first["labels"].shape == (2, 32, 32)
    assert first["camera"].shape == (2, 25)
    assert -1 <= first["image"].min() < first["image"].max() <= 1
    seen = {tuple(made.batch(0, [n])["camera"][0].tolist()) for n in range(60)}
    assert len(seen) == 4
    assert made._contest._cameras.shape == (4, 25)
    assert {tuple(camera.tolist()) for camera in made._contest._cameras} == seen


@pytest.mark.parametrize(("preset", "labels"), [("seg2cat", "labels"), ("edge2car", "edges")])
def test_a_run_ends_with_a_model_that_can_be_used(zips: Path, tmp_path: Path, preset: str, labels: str) -> None:
    config = config_of(zips, tmp_path, preset, labels)
    outcome = train(training.recipe(config), config, Silent(), device="cpu")
    draws = preset == "edge2car"
    assert outcome.scores.keys() == {"drawing_error" if draws else "miou_own_view", "psnr_own_view"}
    card = read_card(tmp_path / "card.toml")
    assert card.labels is not None
    assert (card.labels.size, card.labels.draws, card.labels.names) == (32, draws, () if draws else NAMES)
    assert card.entry == "backend.models.pix2pix3d.trained:load"
    model = load("cpu", load_file(outcome.files[0]))
    assert model.labels == card.labels.names
    assert model.network.config == PUBLISHED[preset]
    averaged = Rivals(PUBLISHED[preset]).generator.state_dict().keys()
    assert model.network.state_dict().keys() == averaged
    wrong = load_file(outcome.files[0])
    del wrong["decoder.net.0.weight"]
    with pytest.raises(ProblemError, match=r"decoder\.net\.0\.weight"):
        load("cpu", wrong)


def test_phases_are_those_of_the_authors(zips: Path, tmp_path: Path) -> None:
    made = recipe_of(zips, tmp_path)
    phases = [(phase.name, phase.learns, phase.every) for phase in made.phases()]
    assert phases == [
        ("generator", "generator.", 1),
        ("density", "generator.", 4),
        ("discriminator", "discriminator.", 1),
        ("discriminator_penalty", "discriminator.", 16),
        ("semantic_discriminator", "semantic_discriminator.", 1),
        ("semantic_discriminator_penalty", "semantic_discriminator.", 16),
    ]
    rates = made.rates()
    assert rates["generator."].times == pytest.approx(0.8)
    assert rates["generator."].betas == pytest.approx((0, 0.99**0.8))
    assert rates["discriminator."].times == pytest.approx(0.8 * 16 / 17)
    rivals = made.build()
    assert all(any(name.startswith(start) for start in rates) for name, _ in rivals.named_parameters())


def test_lazy_losses_count_for_the_steps_between(zips: Path, tmp_path: Path) -> None:
    made = recipe_of(zips, tmp_path, model={"density": 0.5})
    rivals, batch = made.build(), made.batch(0, [0, 1])
    assert isinstance(rivals, Rivals)
    density = made.phases()[1]
    torch.manual_seed(5)
    lazy, _ = density.loss(rivals, batch)
    torch.manual_seed(5)
    plain, _ = made._contest.density_loss(rivals, batch)
    assert torch.allclose(lazy, 4 * plain)


def test_scores_and_sheet(zips: Path, tmp_path: Path) -> None:
    made = recipe_of(zips, tmp_path)
    rivals = made.build().eval()
    with torch.no_grad():
        scores, sheet = made.evaluate(rivals), made.samples(rivals)
    assert 0 <= scores["miou_own_view"] <= 1
    assert sheet.shape == (2 * 128, 6 * 128, 3)
    assert sheet.dtype == np.uint8


def _snapshot(path: Path, names: tuple[str, ...]) -> dict[str, dict[str, torch.Tensor]]:
    """An EG3D file: a generator whose decoder has more colours than ours, and its discriminator."""
    rivals = Rivals(SIZES)
    held = {"G": rivals.generator, "G_ema": rivals.generator, "D": rivals.discriminator}
    states = {name: dict(held[name].state_dict()) for name in names}
    states["G"]["decoder.net.0.weight"] = torch.zeros(3, 3)
    states["G"]["of.another"] = torch.zeros(3)
    content: dict[str, Module] = {name: network(state, "TriPlaneGenerator", {}) for name, state in states.items()}
    write(path, content)
    return states


def test_training_begins_with_what_fits_of_a_file(zips: Path, tmp_path: Path) -> None:
    theirs = _snapshot(tmp_path / "eg3d.pkl", ("G", "D"))
    made = recipe_of(zips, tmp_path, model={"start": str(tmp_path / "eg3d.pkl")})
    rivals = made.build()
    assert isinstance(rivals, Rivals)
    ours = rivals.generator.state_dict()
    same = {name for name, each in theirs["G"].items() if name in ours and torch.equal(each, ours[name])}
    assert same == ours.keys() - {"decoder.net.0.weight"}
    assert all(torch.equal(each, theirs["D"][name]) for name, each in rivals.discriminator.state_dict().items())
    # The other discriminator sees more channels, so its first layer alone is new.
    other = rivals.semantic_discriminator.state_dict()
    new = {name for name, each in other.items() if not torch.equal(each, theirs["D"].get(name, torch.zeros(0)))}
    assert new == {"b128.fromrgb.weight"}
    picture = torch.rand(1, 3, 128, 128)
    assert made._contest._blur(picture, {"step": 0}) is picture


def test_a_file_of_something_else_is_refused(zips: Path, tmp_path: Path) -> None:
    write(tmp_path / "other.pkl", {"G": network({"of.another": torch.zeros(3)}, "Other", {})})
    with pytest.raises(ProblemError, match="has no tensor of this generator") as caught:
        recipe_of(zips, tmp_path, model={"start": str(tmp_path / "other.pkl")}).build()
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER
    with pytest.raises(ProblemError, match=r"gone\.pkl"):
        recipe_of(zips, tmp_path, model={"start": str(tmp_path / "gone.pkl")}).build()


@pytest.mark.parametrize(
    ("model", "data", "says"),
    [
        ({"preset": "seg2dragon"}, {}, "“model.preset” is 'seg2dragon'"),
        ({"label_power": 2}, {}, "“model.label_power” is 2"),
        ({"vgg": "vgg.pth"}, {}, "go together"),
        ({"gamma": -1.0}, {}, "“model.gamma” is -1.0"),
        ({"gama": 1.0}, {}, "“model.gama” is no known field"),
        ({}, {"judged": 6}, "has 6 pictures, and 6 of them"),
        ({}, {"images": "gone.zip"}, "gone.zip"),
        ({}, {"names": ["background", "left"]}, "has the label 2"),
    ],
)
def test_mistakes_are_named(zips: Path, tmp_path: Path, model: Any, data: Any, says: str) -> None:
    def begun() -> None:
        made = recipe_of(zips, tmp_path, model=model, data=data)
        made.build()
        made.batch(0, range(20))

    with pytest.raises(ProblemError, match=says):
        begun()


def test_pictures_that_are_not_square_are_named(tmp_path: Path) -> None:
    write_zips(tmp_path, wide=40)
    with pytest.raises(ProblemError, match=r"img000\d\.png of the data set has 40 x 32 pixels"):
        recipe_of(tmp_path, tmp_path).batch(0, [0])


@pytest.mark.parametrize("preset", ["seg2cat", "seg2face", "edge2car"])
def test_the_files_that_come_along(preset: str) -> None:
    config = read_config(Path(str(contest_training.__file__)).parent / f"{preset}.toml", "pix2pix3d")
    made = training.recipe(replace(config, model={**config.model, "label_power": 0}))
    assert isinstance(made, ContestRecipe)
    expected = {
        "seg2cat": (5.0, 1e-4, True, 1.0),
        "seg2face": (1.0, 1e-4, True, 1.0),
        "edge2car": (0.3, 1e-6, False, 10.0),
    }
    told = made._model
    assert (told.gamma, told.cross_view, told.raw_only, told.label) == expected[preset]
    assert config.batch_size * config.steps == 25_000_000
    half_life = config.batch_size * 10_000 / 32
    assert config.ema_decay == pytest.approx(0.5 ** (config.batch_size / half_life), abs=1e-4)


# --- how alike pictures look ---


def _weights(folder: Path) -> tuple[Path, Path]:
    """VGG-16's and LPIPS's weights, drawn, under the names of their publishers."""
    vgg: dict[str, torch.Tensor] = {}
    place, before = 0, 3
    for group in ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3):
        for wide in group:
            vgg[f"features.{place}.weight"] = torch.randn(wide, before, 3, 3) / (9 * before) ** 0.5
            vgg[f"features.{place}.bias"] = torch.randn(wide) / 10
            place, before = place + 2, wide
        place += 1
    vgg["classifier.0.weight"] = torch.zeros(2, 2)
    wide = (64, 128, 256, 512, 512)
    lins = {f"lin{n}.model.1.weight": torch.rand(1, channels, 1, 1) for n, channels in enumerate(wide)}
    torch.save(vgg, folder / "vgg.pth")
    torch.save(lins, folder / "lpips.pth")
    return folder / "vgg.pth", folder / "lpips.pth"


def test_how_different_pictures_look(tmp_path: Path, zips: Path) -> None:
    files = _weights(tmp_path)
    alike = Perceptual.read(*files)
    one, other = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    assert torch.equal(alike(one, one), torch.zeros(2))
    found = alike(one, other)
    assert (found > 0).all()
    # The first group by hand.
    vgg, lins = (torch.load(path, weights_only=True) for path in files)
    features = []
    for picture in (one, other):
        x = (picture - alike.shift) / alike.scale
        for place in (0, 2):
            weight, bias = vgg[f"features.{place}.weight"], vgg[f"features.{place}.bias"]
            x = torch.relu(torch.nn.functional.conv2d(x, weight, bias, padding=1))
        features.append(torch.nn.functional.normalize(x, dim=1))
    first = ((features[0] - features[1]).square() * lins["lin0.model.1.weight"]).sum(dim=1).mean(dim=(1, 2))
    for each in list(alike.weights)[1:]:
        each.zero_()
    assert torch.allclose(alike(one, other), first, rtol=1e-4)
    # Equal features have a slope too.
    flat = torch.zeros(1, 3, 32, 32, requires_grad=True)
    alike(flat, flat.detach()).sum().backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()


def test_its_files_are_checked(tmp_path: Path, zips: Path) -> None:
    vgg, lpips = _weights(tmp_path)
    told = {"vgg": str(vgg), "lpips": str(lpips)}
    made = recipe_of(zips, tmp_path, model=told)
    assert made._contest._perceptual is not None
    with pytest.raises(ProblemError, match=r"“lin0” in vgg\.pth is missing"):
        recipe_of(zips, tmp_path, model={**told, "lpips": str(vgg)}).build()
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ProblemError, match="has 0 convolutions where VGG-16 has 13"):
        recipe_of(zips, tmp_path, model={**told, "vgg": str(tmp_path / "other.pth")}).build()
    with pytest.raises(ProblemError, match=r"gone\.pth"):
        recipe_of(zips, tmp_path, model={**told, "vgg": str(tmp_path / "gone.pth")}).build()
