"""Scenes pasted together from cut-outs: exact masks, the same again, and a model that learns from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as Picture

from backend.datasets.cutouts import pictures_in, read_cutout
from backend.hub.registry import find_card
from backend.hub.weights import read_weights
from backend.models.prompted_u2netp.examples import World, make_example
from backend.models.prompted_u2netp.training import recipe
from backend.synthetic.pasting import _placed, paste_scene
from backend.training.config import TrainConfig
from protocol.problems import ErrorCode, ProblemError

COLOURS = ((250, 20, 20), (20, 250, 20), (20, 20, 250))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three ellipses of a plain colour each; what is transparent around them is grey."""
    folder = tmp_path_factory.mktemp("cutouts")
    for number, colour in enumerate(COLOURS):
        alpha = np.zeros((120, 160), np.uint8)
        cv2.ellipse(alpha, (80, 60), (50 + 10 * number, 55 - 8 * number), 0, 0, 360, 255, -1, cv2.LINE_AA)
        rgb = np.where(alpha[..., None] > 0, np.array(colour), 128).astype(np.uint8)
        Picture.fromarray(np.dstack([rgb, alpha])).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def cutouts(folder: Path) -> list[np.ndarray]:
    return [read_cutout(path) for path in pictures_in(folder)]


def test_a_cut_out_is_cut_to_what_its_alpha_leaves(folder: Path, cutouts: list[np.ndarray], tmp_path: Path) -> None:
    for cutout, size in zip(cutouts, ((111, 101), (95, 121), (79, 141)), strict=True):
        assert np.abs(np.subtract(cutout.shape[:2], size)).max() <= 2
        alpha = cutout[..., 3]
        assert min(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) > 8
    Picture.new("RGB", (20, 20)).save(tmp_path / "photo.png")
    with pytest.raises(ProblemError, match=r"photo\.png") as caught:
        read_cutout(tmp_path / "photo.png")
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    assert "alpha" in caught.value.problem.hint
    with pytest.raises(ProblemError, match="no pictures"):
        pictures_in(tmp_path / "nowhere")


def test_masks_are_of_what_is_seen(cutouts: list[np.ndarray]) -> None:
    ground = np.full((64, 64, 3), 128, np.uint8)
    hidden = 0
    for seed in range(12):
        image, things = paste_scene(np.random.default_rng(seed), cutouts, [ground], 96)
        again, others = paste_scene(np.random.default_rng(seed), cutouts, [ground], 96)
        assert np.array_equal(image, again)
        assert image.shape == (96, 96, 3)
        assert 3 <= len(things) < 8
        seen, covered = np.zeros((96, 96), int), np.zeros((96, 96), bool)
        for thing, other in zip(things, others, strict=True):
            assert np.array_equal(thing.modal, other.modal)
            assert np.array_equal(thing.modal, thing.amodal & ~covered)
            assert thing.occlusion_rate == pytest.approx(1 - thing.modal.sum() / max(1, thing.amodal.sum()))
            hidden += thing.occlusion_rate > 0.1
            covered |= thing.amodal
            seen += thing.modal
        assert seen.max() == 1
    assert hidden > 5
    first, second = (paste_scene(np.random.default_rng(seed), cutouts, [ground], 96)[0] for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_what_lies_under_the_transparent_part_is_never_seen() -> None:
    """A white square with black around it, in grey surroundings: no edge is darker than both."""
    cutout = np.zeros((60, 60, 4), np.uint8)
    cutout[10:50, 10:50] = 255
    for seed in range(8):
        random = np.random.default_rng(seed)
        placed = _placed(random, cutout, 96)
        edge = (placed[..., 3] > 20) & (placed[..., 3] < 235)
        inside = placed[..., :3][placed[..., 3] > 250].mean(axis=0)
        assert edge.any()
        assert np.abs(placed[..., :3][edge] - inside).max() < 6


def test_examples_paste_half_the_time(folder: Path) -> None:
    plain = World(96, "procedural")
    pasting = replace(plain, cutouts=tuple(pictures_in(folder)))
    other = 0
    for index in range(16):
        example = make_example("train", 0, index, 64, pasting)
        assert np.array_equal(example.image, make_example("train", 0, index, 64, pasting).image)
        assert example.wanted.any()
        assert example.prompts[:3].any()
        other += not np.array_equal(example.wanted, make_example("train", 0, index, 64, plain).wanted)
    assert other >= 8


def test_training_may_begin_with_the_starter_and_is_judged_without_cut_outs(folder: Path, tmp_path: Path) -> None:
    def config(**data: object) -> TrainConfig:
        common = {"first_side": 64, "side": 64, "scene_side": 96, "objects": "procedural", "judged": 2}
        return TrainConfig(
            recipe="prompted_u2netp",
            file=tmp_path / "train.toml",
            name="mine",
            out=tmp_path,
            steps=1,
            batch_size=2,
            learning_rate=1e-3,
            model={"start": "prompted-u2netp"},
            data={**common, **data},
        )

    with_cutouts, without = recipe(config(cutouts=str(folder))), recipe(config())
    module = with_cutouts.build()
    weights = find_card("prompted-u2netp").weights
    assert weights is not None
    for name, tensor in read_weights(weights).items():
        assert torch.equal(module.state_dict()[name], tensor.float()), name
    assert not torch.equal(with_cutouts.batch(0, range(8))["image"], without.batch(0, range(8))["image"])
    with torch.inference_mode():
        assert with_cutouts.evaluate(module.eval()) == without.evaluate(module)
    with pytest.raises(ProblemError, match="nowhere"):
        recipe(config(cutouts=str(tmp_path / "nowhere")))
