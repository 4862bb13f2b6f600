"""Pointing: the published network's numbers, clicks and boxes on photos, and what is said of wrong prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from backend.examples import EXAMPLES
from backend.hub import registry as hub
from backend.imaging.masks import iou
from backend.models.u2netp.inference import SIDE
from backend.pipelines import registry
from backend.pipelines.context import Cancelled, Context
from protocol.checks import check_parameters
from protocol.problems import ErrorCode, ProblemError
from protocol.tasks import TASKS
from protocol.values import Array, Image, Mask

MODELS = ("prompted-u2netp", "u2netp", "grabcut")


def _photo(name: str) -> np.ndarray:
    return np.array(Picture.open(EXAMPLES[name].path).convert("RGB"))


def _segment(image: np.ndarray, model: str = "u2netp", **prompt: Any) -> Mask:
    parameters = check_parameters(TASKS["segment"], {"model": model, **prompt})
    outputs, info = registry.run("segment", {"image": Image(image)}, parameters, Context())
    assert info["models"] == {"segment": model}
    mask, certainty = outputs["mask"], outputs["confidence"]
    assert isinstance(mask, Mask)
    assert isinstance(certainty, Array)
    confidence = certainty.data
    assert confidence.shape == image.shape[:2]
    assert confidence.dtype == np.float32
    assert 0 <= confidence.min() <= confidence.max() <= 1
    return mask


def _drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright disc on a noisy ground, and its mask."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:240, :320]
    inside = np.hypot(rows - 120, columns - 150) < 60
    image = random.normal((60, 80, 90), 14, (240, 320, 3))
    image[inside] = random.normal((210, 160, 60), 14, (np.count_nonzero(inside), 3))
    return np.clip(image, 0, 255).astype(np.uint8), inside


def test_the_network_gives_the_published_numbers(golden: Path) -> None:
    recorded = np.load(golden / "u2netp" / "coffee.npz")["saliency"].astype(np.float32)
    low, high = recorded.min(), recorded.max()
    model = hub.load("u2netp", "cpu")
    photo = _photo("coffee")
    # At the network's own size nothing is resized after it.
    ours = model.saliency(cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    difference = np.abs(ours - (recorded - low) / (high - low))
    # Weights are stored in float16, which shows at steep edges.
    assert difference.mean() < 1e-3
    assert np.quantile(difference, 0.999) < 0.03


@pytest.mark.parametrize("model", MODELS)
def test_a_box_gives_what_is_in_it(model: str) -> None:
    image, inside = _drawn(0)
    found = _segment(image, model, box=[80, 50, 220, 190])
    assert iou(found.inside, inside) > 0.93
    assert not found.inside[:, :70].any(), "nothing far outside the box"


@pytest.mark.parametrize("model", MODELS)
def test_a_click_gives_the_thing_under_it(model: str) -> None:
    image, inside = _drawn(1)
    found = _segment(image, model, points=[[150, 120, 1]])
    assert iou(found.inside, inside) > 0.85


def test_a_click_on_the_cat_gives_the_cat_and_no_prompt_too() -> None:
    photo = _photo("cat")
    clicked = _segment(photo, points=[[230, 150, 1]])
    assert clicked.inside[150, 230]
    assert 0.3 < clicked.inside.mean() < 0.8
    assert iou(clicked.inside, _segment(photo).inside) > 0.8


def test_a_click_off_the_object_takes_that_part_away() -> None:
    photo = _photo("coffee")
    whole = _segment(photo, box=[65, 12, 490, 392])
    without = _segment(photo, box=[65, 12, 490, 392], points=[[140, 250, 0], [140, 200, 0]])
    assert whole.inside[250, 140]
    assert not without.inside[250, 140]


@pytest.mark.parametrize("model", MODELS)
def test_the_same_prompt_gives_the_same_bytes(model: str) -> None:
    image, _ = _drawn(2)
    once, again = (_segment(image, model, box=[80, 50, 220, 190]) for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ({"points": [[500, 10, 1]]}, "outside the picture"),
        ({"points": [[-1, 10, 1]]}, "outside the picture"),
        ({"box": [400, 300, 500, 400]}, "outside the picture"),
        ({"box": [10, 10, 12, 12]}, "at least 4 x 4"),
        ({"points": [[5, 5, 0]]}, "off the object"),
        ({"points": [[5, 5, 1], [5, 5, 0]]}, "both on and off"),
        ({"points": [[5, 5, 1]], "box": [50, 50, 90, 90]}, "outside the box"),
    ],
)
@pytest.mark.parametrize("model", MODELS)
def test_a_prompt_that_does_not_fit_says_why(model: str, prompt: dict[str, Any], said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        _segment(_drawn(0)[0], model, **prompt)
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER
    assert said in str(caught.value.problem)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (4, 900), (1200, 3)])
def test_odd_sizes_end_in_a_mask_or_a_clear_problem(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    try:
        assert _segment(image).pixels.shape == shape
    except ProblemError as error:
        assert error.problem.code is ErrorCode.MODEL_FAILED
        assert error.problem.hint


def test_it_stops_when_asked() -> None:
    context = Context()
    context.cancelled = True
    parameters = check_parameters(TASKS["segment"], {"points": [[150, 120, 1]]})
    with pytest.raises(Cancelled):
        registry.run("segment", {"image": Image(_drawn(0)[0])}, parameters, context)
