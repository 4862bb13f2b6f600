"""The promptable segmenter's parts: what it is told, what it learns from, how it answers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from backend.hub.registry import find_card, load
from backend.hub.weights import read_weights
from backend.imaging.clicks import middle, next_click, somewhere
from backend.imaging.masks import iou
from backend.models.prompted_u2netp import inference
from backend.models.prompted_u2netp.examples import TURNS, World, make_example
from backend.models.prompted_u2netp.inference import PromptedSegmenter
from backend.models.prompted_u2netp.network import PromptedU2NetP
from backend.models.prompted_u2netp.prompts import prompt_maps
from backend.models.prompted_u2netp.training import Data, Model, PromptedRecipe
from backend.models.prompted_u2netp.training import recipe as make_recipe
from backend.pipelines.context import Context
from backend.training.config import TrainConfig, read_config
from backend.training.recipe import find_recipe
from protocol.problems import ProblemError


@pytest.fixture(scope="module")
def network() -> PromptedU2NetP:
    """With the published weights, as training begins."""
    torch.manual_seed(0)
    network = PromptedU2NetP().eval()
    weights = find_card("u2netp").weights
    assert weights is not None
    network.body.load_state_dict({name: tensor.float() for name, tensor in read_weights(weights).items()})
    return network


def test_before_training_prompts_change_nothing(network: PromptedU2NetP) -> None:
    image, prompts = torch.rand(1, 3, 64, 96), torch.rand(1, 5, 64, 96)
    with torch.inference_mode():
        assert torch.equal(network(image, prompts), network.body(image))


def test_features_of_the_picture_know_no_prompts_but_answers_do(network: PromptedU2NetP) -> None:
    trained = PromptedU2NetP().eval()
    trained.load_state_dict(network.state_dict())
    for weight in trained.bring.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    with torch.inference_mode():
        features = trained.encode(torch.rand(1, 3, 64, 64))
        first = trained.decode(features, torch.zeros(1, 5, 64, 64))[0]
        second = trained.decode(features, torch.ones(1, 5, 64, 64))[0]
    assert not torch.allclose(first, second)


def test_prompts_are_drawn_where_they_are() -> None:
    points = np.array([[0.25, 0.5, 1], [0.75, 0.5, 0]])
    maps = prompt_maps(100, points, (0.1, 0.2, 0.5, 0.6), np.full((100, 100), 0.5, np.float32))
    assert maps[0, 50, 25] == 1
    assert maps[0, 50, 75] == 0
    assert maps[1, 50, 75] == 1
    inside = np.argwhere(maps[2] > 0)
    assert (inside.min(axis=0).tolist(), inside.max(axis=0).tolist()) == ([20, 10], [59, 49])
    assert (maps[3] == 0.5).all()
    assert (maps[4] == 1).all()
    assert not prompt_maps(50, np.zeros((0, 3)), None, None).any()


def test_clicks_fall_into_the_middle_of_the_largest_error() -> None:
    wanted = np.zeros((60, 60), bool)
    wanted[10:50, 10:30] = True
    assert middle(wanted)[0] in (19, 20)
    found = wanted.copy()
    found[20:40, 12:28] = False
    found[5:9, 40:44] = True
    x, y, label = next_click(found, wanted) or (0, 0, -1)
    assert label == 1
    assert 12 <= x < 28
    assert 20 <= y < 40
    assert next_click(wanted, wanted) is None
    x, y, label = next_click(wanted | (np.arange(60) > 35), wanted) or (0, 0, -1)
    assert (label, x > 35) == (0, True)
    random = np.random.default_rng(0)
    assert all(wanted[y, x] for x, y in (somewhere(random, wanted) for _ in range(50)))


def test_examples_are_the_same_again_and_hold_what_they_say() -> None:
    kinds = set()
    for index in range(3 * TURNS.per_scene):
        example = make_example("train", 0, index, 64, World(96, "procedural"))
        again = make_example("train", 0, index, 64, World(96, "procedural"))
        assert np.array_equal(example.image, again.image)
        assert np.array_equal(example.prompts, again.prompts)
        assert example.image.shape == (64, 64, 3)
        assert example.wanted.any()
        assert example.prompts[:3].any(), "nothing is pointed at"
        kinds.add((bool(example.prompts[2].any()), bool(example.prompts[0].any())))
        # What is wanted lies in the box, but for what a hand draws too small.
        if example.prompts[2].any():
            assert example.prompts[2][example.wanted].mean() > 0.8
    assert len(kinds) >= 2


def test_a_box_and_points_are_answered_in_the_picture_s_own_pixels(network: PromptedU2NetP) -> None:
    image = np.full((200, 320, 3), 90, np.uint8)
    image[60:150, 100:220] = (220, 60, 40)
    segmenter, context = PromptedSegmenter(network, "cpu"), Context()
    wanted = np.zeros((200, 320), bool)
    wanted[60:150, 100:220] = True
    for points, box in (([], [98, 58, 222, 152]), ([[160, 105, 1]], None), ([[160, 105, 1], [20, 20, 0]], None)):
        mask, confidence = segmenter.segment(image, points, box, context)
        assert mask.shape == confidence.shape == wanted.shape
        assert (mask & wanted).sum() / (mask | wanted).sum() > 0.8


def test_a_further_click_looks_at_no_new_features(network: PromptedU2NetP, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    segmenter, context = PromptedSegmenter(network, "cpu"), Context()
    box = [20, 20, 120, 100]
    segmenter.segment(image, [], box, context)

    def encoded(*_: object) -> None:
        raise AssertionError("features were computed again")

    monkeypatch.setattr(network, "encode", encoded)
    segmenter.segment(image.copy(), [[60, 60, 1]], box, context)  # a worker maps the same picture anew for each job
    with pytest.raises(AssertionError, match="again"):
        segmenter.segment(255 - image, [[60, 60, 1]], box, context)


def test_an_answer_does_not_depend_on_what_was_asked_before(network: PromptedU2NetP) -> None:
    image = np.random.default_rng(4).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    clicks = [[60, 60, 1], [100, 70, 0], [50, 40, 1]]
    asked = PromptedSegmenter(network, "cpu")
    for points, box in (([], [20, 20, 90, 90]), (clicks[:1], [20, 20, 110, 90]), ([[90, 90, 1]], None), (clicks, None)):
        seen = asked.segment(image, points, box, Context())[1]
    fresh = PromptedSegmenter(network, "cpu").segment(image, clicks, None, Context())[1]
    assert np.array_equal(seen, fresh)


def test_points_mean_the_same_in_a_mirror() -> None:
    image = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (96, 128, 3), dtype=np.uint8), (0, 0), 5)
    image[30:70, 40:80] = (220, 60, 40)
    segmenter = load("prompted-u2netp", "cpu")
    clicks = [[60, 50, 1], [20, 50, 0]]
    seen = segmenter.segment(image, clicks, None, Context())[1]
    mirrored = [[127 - x, y, label] for x, y, label in clicks]
    again = segmenter.segment(np.ascontiguousarray(image[:, ::-1]), mirrored, None, Context())[1][:, ::-1]
    assert seen.max() > 0.9
    assert np.abs(seen - again).mean() < 0.01


def test_the_crop_follows_a_click_on_what_lies_outside(network: PromptedU2NetP) -> None:
    image = np.full((240, 320, 3), 90, np.uint8)
    image[100:140, 20:60] = image[100:140, 260:300] = (220, 60, 40)
    segmenter = PromptedSegmenter(network, "cpu")
    near = segmenter.segment(image, [[40, 120, 1]], None, Context())[1]
    assert not near[:, 250:].any()
    both = segmenter.segment(image, [[40, 120, 1], [280, 120, 1]], None, Context())[1]
    assert both[100:140, 260:300].any()
    # What is clicked as not on the object, far away, changes nothing: there was nothing.
    crops = {crop for crop, _ in segmenter._seen.features} if segmenter._seen is not None else set()
    segmenter.segment(image, [[40, 120, 1], [300, 20, 0]], None, Context())
    assert segmenter._seen is not None
    assert {crop for crop, _ in segmenter._seen.features} == crops


def test_in_half_the_precision_the_answer_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.full((120, 160, 3), 90, np.uint8)
    image[30:90, 50:110] = (220, 60, 40)
    masks = []
    for half in (True, False):
        monkeypatch.setattr(inference, "_has_bfloat16", lambda half=half: half)
        masks.append(load("prompted-u2netp", "cpu").segment(image, [[80, 60, 1]], None, Context())[0])
    assert masks[1].any()
    assert iou(*masks) > 0.97


@pytest.fixture
def recipe(tmp_path: Path) -> PromptedRecipe:
    config = TrainConfig(
        recipe="prompted_u2netp",
        file=tmp_path / "train.toml",
        name="prompted-u2netp",
        out=tmp_path,
        steps=2,
        batch_size=2,
        learning_rate=1e-3,
        data={"first_side": 64, "side": 64, "scene_side": 96, "objects": "procedural", "judged": 2},
    )
    return make_recipe(config)


def test_the_recipe_learns_and_is_scored(recipe: PromptedRecipe) -> None:
    module = recipe.build()
    batch = recipe.batch(0, range(4))
    assert torch.equal(batch["wanted"], recipe.batch(0, range(4))["wanted"])
    optimiser = torch.optim.AdamW(module.parameters(), 1e-3)
    losses = []
    for _ in range(12):
        loss, numbers = recipe.loss(module, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        assert 0 <= float(numbers["iou"]) <= 1
    assert losses[-1] < 0.8 * losses[0]
    with torch.inference_mode():
        scores = recipe.evaluate(module.eval())
        assert recipe.samples(module).shape == (3 * 64, 6 * 64, 3)
    assert set(scores) == {"iou_box", "iou_point", "iou_box_point", "iou_3_clicks"}
    assert all(0 <= value <= 1 for value in scores.values())
    baselines = recipe.baselines()
    assert set(baselines) == {"grabcut", "u2netp"}
    assert all(set(each) == set(scores) for each in baselines.values())
    assert recipe.tensors(module).keys() == PromptedU2NetP().state_dict().keys()


def test_the_starter_s_own_config_is_sound() -> None:
    make, file = find_recipe("prompted-u2netp")
    facts = make(read_config(file, "prompted_u2netp")).facts()
    assert facts.tasks == ("segment",)
    assert facts.entry == "backend.models.prompted_u2netp.inference:load"


def test_how_the_starter_went_on_is_a_sound_config_that_asks_for_its_cut_outs() -> None:
    _, file = find_recipe("prompted-u2netp")
    config = read_config(file.with_name("onward.toml"), "prompted_u2netp")
    assert config.options("model", Model).start == "prompted-u2netp"
    assert config.options("data", Data).cutouts == "cutouts"
    with pytest.raises(ProblemError, match="cutouts"):
        make_recipe(config)
