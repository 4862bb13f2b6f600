"""How the small pix2pix3D is trained: its recipe, on two objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.models.pix2pix3d.config import STARTER
from backend.models.pix2pix3d.inference import load
from backend.models.pix2pix3d.objective import WEIGHTS
from backend.models.pix2pix3d.training import FieldRecipe, recipe
from backend.synthetic.painted import Example, example_of
from backend.training.config import TrainConfig
from protocol.problems import ProblemError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("objects")
    with pytest.MonkeyPatch.context() as patch:
        made: dict[int, Example] = {}

        def quick(kind: Any, seed: int) -> Example:
            if seed % 2 not in made:
                made[seed % 2] = example_of(kind, seed % 2, views=8, points=64)
            return made[seed % 2]

        patch.setattr("backend.synthetic.painted.example_of", quick)
        yield _recipe(folder)


def _recipe(folder: Path, **data: Any) -> FieldRecipe:
    told = {"objects": 2, "folder": str(folder), "points": 32, "seen": 2, "rays": 8, "pictures": 1, "judged": 1} | data
    config = TrainConfig(
        recipe="pix2pix3d", file=folder / "t.toml", name="t", out=folder, steps=2, batch_size=2, learning_rate=1e-3,
        data=told,
    )  # fmt: skip
    made = recipe(config)
    assert isinstance(made, FieldRecipe)
    return made


def test_a_batch_is_a_function_of_its_indices(small: FieldRecipe) -> None:
    first, again, other = small.batch(0, [4, 5]), small.batch(0, [4, 5]), small.batch(0, [6, 7])
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["points"], other["points"])
    assert first["map"].shape == (2, 128, 128)
    assert first["ray_camera"].shape == (2, 25)
    assert first["picture_image"].shape == (1, 128, 128, 3)


def test_every_part_of_the_loss_counts_and_reaches_the_weights(small: FieldRecipe) -> None:
    network = small.build()
    loss, numbers = small.loss(network, small.batch(0, [0, 1]))
    assert numbers.keys() == WEIGHTS.keys()
    assert loss.item() == pytest.approx(sum(WEIGHTS[name] * float(each) for name, each in numbers.items()), rel=1e-4)
    loss.backward()
    silent = {name for name, each in network.named_parameters() if each.grad is None or not each.grad.any()}
    # The strength of noise starts at 0 and the super-resolution has none; a network's first style row has no part in
    # the colours that the last layers make.
    assert not {name for name in silent if "noise_strength" not in name}, silent


def test_learning_follows_the_mean_style(small: FieldRecipe) -> None:
    network: Any = small.build()
    before = network.backbone.mapping.w_avg.clone()
    small.loss(network, small.batch(0, [0, 1]))
    assert not torch.equal(before, network.backbone.mapping.w_avg)


def test_scores_and_sheet_of_an_untrained_network(small: FieldRecipe) -> None:
    network = small.build().eval()
    with torch.no_grad():
        scores = small.evaluate(network)
        sheet = small.samples(network)
    assert scores.keys() == {"miou_own_view", "miou_other_views", "psnr_other_views"}
    assert 0 <= scores["miou_own_view"] <= 1
    assert sheet.dtype == np.uint8
    assert sheet.shape == (6 * 128, 10 * 128, 3)


def test_what_is_stored_is_what_the_model_loads(small: FieldRecipe) -> None:
    network = small.build()
    stored = {name: each.half() if each.is_floating_point() else each for name, each in small.tensors(network).items()}
    assert stored["palettes"].shape == (STARTER.palettes, STARTER.labels, 3)
    assert not stored["palettes"].isnan().any()
    model = load("cpu", stored)
    assert "palettes" in stored, "what is loaded stays as it was"
    weights = model.network.state_dict()
    assert all(torch.allclose(each, weights[name], atol=0.01) for name, each in network.state_dict().items())


def test_unknown_kinds_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="kind"):
        _recipe(tmp_path, kind="seg2dragon")
