"""Segment Anything: the same masks as transformers' own path, pictures looked at once, prompts, cancelling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from backend.models.sam.embeddings import EmbeddingCache, content_key
from backend.models.sam.families import SAM, SAM2, SAM3, Family
from backend.models.sam.frame import Frame
from backend.models.sam.inference import SamSegmenter
from backend.models.sam.network import SamNetwork
from backend.pipelines.context import Cancelled, Context
from protocol.problems import ErrorCode, ProblemError
from tests.unit.tiny_sam import picture, tiny

FAMILIES = {"sam": SAM, "sam2": SAM2, "sam3": SAM3}
PROMPTS: dict[str, tuple[list[list[float]], list[float] | None]] = {
    "click": ([[61, 7, 1]], None),
    "two clicks": ([[61, 7, 1], [3, 30, 0]], None),
    "box": ([], [40, 2, 68, 20]),
    "both": ([[61, 7, 1], [3, 30, 0]], [40, 2, 68, 20]),
}
EXACT = 2e-5


def probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


class Counting(SamNetwork):
    """Counts how often the network looks at a picture and answers."""

    def __init__(self, model: Any, family: Family, half: torch.dtype | None = None) -> None:
        super().__init__(model, family, "cpu", half)
        self.looks = 0
        self.answers = 0

    def encode(self, pixels: np.ndarray) -> Any:
        self.looks += 1
        return super().encode(pixels)

    def decode(self, *given: Any, **named: Any) -> Any:
        self.answers += 1
        return super().decode(*given, **named)


def segmenter(kind: str, **options: Any) -> tuple[SamSegmenter, Counting]:
    network = Counting(tiny(kind), FAMILIES[kind])
    return SamSegmenter(network, **options), network


def own_processor(image: np.ndarray, points: Any, labels: Any, boxes: Any) -> dict[str, Any]:
    """transformers' own preparation for SAM, with the processor that needs no torchvision."""
    from transformers import SamImageProcessorPil, SamProcessor

    prepare: Any = SamProcessor(SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64}))
    return dict(prepare(image, input_points=points, input_labels=labels, input_boxes=boxes, return_tensors="pt"))


def reference(kind: str, points: list[list[float]], box: list[float] | None, several: bool) -> Any:
    """Logits (float32 K x H x W) and predicted IoUs of the prompt as the published way computes them."""
    from transformers import SamImageProcessorPil

    image, model = picture(), tiny(kind)
    height, width = image.shape[:2]
    places = [[[[x, y] for x, y, _ in points]]] if points else None
    labels = [[[int(label) for _, _, label in points]]] if points else None
    boxes = [[box]] if box is not None else None
    if kind == "sam":
        given = own_processor(image, places, labels, boxes)
        sizes, inner = given.pop("original_sizes"), given.pop("reshaped_input_sizes")
        given = {name: each.float() if each.is_floating_point() else each for name, each in given.items()}
        with torch.no_grad():
            found = model(**given, multimask_output=several)
        square = {"height": 64, "width": 64}
        post = SamImageProcessorPil().post_process_masks
        logits = post(found.pred_masks, sizes, inner, binarize=False, pad_size=square)[0]
        return logits[0].numpy(), found.iou_scores[0, 0].numpy()
    # The later generations' processors need torchvision: written out here from what they do.
    side = model.config.prompt_encoder_config.image_size
    squashed = np.asarray(Picture.fromarray(image).resize((side, side), Picture.Resampling.BILINEAR), np.float32) / 255
    family = FAMILIES[kind]
    normal = torch.tensor(((squashed - family.mean) / family.std).transpose(2, 0, 1)[None], dtype=torch.float32)
    scale = torch.tensor([side / width, side / height])
    given = {
        "input_points": None if places is None else torch.tensor(places) * scale,
        "input_labels": None if labels is None else torch.tensor(labels),
        "input_boxes": None if box is None else (torch.tensor(box).reshape(2, 2) * scale).reshape(1, 1, 4),
    }
    with torch.no_grad():
        found = model(pixel_values=normal, **given, multimask_output=several)
    large = torch.nn.functional.interpolate(found.pred_masks[0], (height, width), mode="bilinear", align_corners=False)
    return large[0].numpy(), found.iou_scores[0, 0].numpy()


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("kind", FAMILIES)
def test_masks_are_those_of_transformers_own_path(kind: str, prompt: str) -> None:
    points, box = PROMPTS[prompt]
    model, _ = segmenter(kind)
    mask, confidence = model.segment(picture(), points, box, Context())
    assert mask.dtype == bool
    assert confidence.dtype == np.float32
    logits, ious = reference(kind, points, box, several=prompt == "click")
    expected = logits[int(ious.argmax())]
    assert 0.02 < (expected > 0).mean() < 0.98, "a mask with edges, or nothing is compared"
    assert confidence == pytest.approx(probability(expected), abs=EXACT)
    assert np.array_equal(mask, confidence > 0.5)

    readings = model.segment_all(picture(), points, box, Context())
    logits, ious = reference(kind, points, box, several=True)
    order = np.argsort(-ious)
    assert [each.iou for each in readings] == pytest.approx(ious[order].tolist(), abs=1e-5)
    for each, number in zip(readings, order, strict=True):
        assert each.confidence == pytest.approx(probability(logits[number]), abs=EXACT)


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_comparison_would_see_a_misplaced_prompt(kind: str) -> None:
    """Otherwise the test above says nothing about where points and boxes land."""
    click, clicked = ([[61.0, 7.0, 1.0]], None), ([[7.0, 35.0, 1.0]], None)
    box, boxed = ([], [40.0, 2.0, 68.0, 20.0]), ([], [2.0, 20.0, 20.0, 38.0])
    for prompt, moved in ((click, clicked), (box, boxed)):
        one, other = (probability(reference(kind, *each, several=False)[0]) for each in (prompt, moved))
        assert np.abs(one - other).max() > 10 * EXACT


@pytest.mark.parametrize("kind", FAMILIES)
def test_no_prompt_is_a_box_around_the_picture(kind: str) -> None:
    model, _ = segmenter(kind)
    mask, _ = model.segment(picture(), [], None, Context())
    boxed, _ = model.segment(picture(), [], [0, 0, 70, 40], Context())
    assert np.array_equal(mask, boxed)


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_second_click_does_not_look_again(kind: str) -> None:
    model, network = segmenter(kind)
    for x in range(10, 60, 10):
        model.segment(picture(), [[x, 20, 1]], None, Context())
    assert network.looks == 1
    assert network.answers == 5
    changed = picture()
    changed[0, 0, 0] ^= 1
    model.segment(changed, [[10, 20, 1]], None, Context())
    assert network.looks == 2


def test_pictures_seen_longest_ago_are_forgotten() -> None:
    model, network = segmenter("sam2", cache_bytes=2 * 4 * (2 * 256 + 4 * 64 + 16 * 16))
    for number in (0, 1, 0, 2, 0, 1):
        model.segment(picture() + np.uint8(number), [[9, 9, 1]], None, Context())
    assert network.looks == 4, "0, 1, 2 and again 1, which was used longest ago"


def test_the_cache_holds_no_more_than_its_limit() -> None:
    cache = EmbeddingCache(100)
    cache.put("large", (torch.zeros(101, dtype=torch.uint8),))
    assert len(cache) == 0
    for number in range(9):
        cache.put(str(number), (torch.zeros(20, dtype=torch.uint8), torch.zeros(10, dtype=torch.uint8)))
        assert cache.nbytes <= 100
    assert [number for number in range(9) if cache.get(str(number)) is not None] == [6, 7, 8]


def test_the_key_knows_the_shape_too() -> None:
    flat = np.zeros((4, 9, 3), np.uint8)
    assert content_key(flat) != content_key(flat.reshape(9, 4, 3))
    assert content_key(flat) == content_key(flat[:, ::-1])


@pytest.mark.parametrize(("size", "inner"), [((40, 70), (37, 64)), ((70, 40), (64, 37)), ((1, 900), (1, 64))])
def test_a_picture_keeps_its_shape_in_the_square(size: tuple[int, int], inner: tuple[int, int]) -> None:
    frame = Frame.around(size, 64, keeps_shape=True)
    assert frame.inner == inner
    square = frame.prepared(np.full((*size, 3), 255, np.uint8), SAM.mean, SAM.std)
    assert (square[0, :, : inner[0], : inner[1]] > 0).all()
    assert not square[0, :, inner[0] :].any()
    assert not square[0, :, :, inner[1] :].any()
    corner = frame.placed(np.array([[size[1], size[0]]]))
    assert corner == pytest.approx(np.array([[inner[1], inner[0]]]), rel=1e-6)


def test_a_squashed_picture_fills_the_square() -> None:
    frame = Frame.around((40, 70), 64, keeps_shape=False)
    assert frame.inner == (64, 64)
    assert frame.placed(np.array([[70, 10]])) == pytest.approx(np.array([[64, 16]]))


def test_a_mask_comes_back_where_it_was() -> None:
    frame = Frame.around((40, 70), 64, keeps_shape=True)
    logits = torch.full((1, 64, 64), -4.0)
    logits[0, 5:20, 30:50] = 4
    back = frame.enlarged(logits, (40, 70))[0] > 0
    rows, columns = np.nonzero(back.numpy())
    edges = np.array([rows.min(), rows.max() + 1, columns.min(), columns.max() + 1])
    assert edges == pytest.approx(np.array([5, 20, 30, 50]) * 70 / 64, abs=1)


@pytest.mark.parametrize("kind", FAMILIES)
def test_half_precision_gives_nearly_the_same_mask(kind: str) -> None:
    exact, _ = segmenter(kind)
    rough = SamSegmenter(Counting(tiny(kind), FAMILIES[kind], torch.bfloat16))
    _, one = exact.segment(picture(), *PROMPTS["both"], Context())
    _, other = rough.segment(picture(), *PROMPTS["both"], Context())
    assert np.abs(one - other).mean() < 0.03
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("kind", FAMILIES)
def test_cancelling_ends_before_the_long_look(kind: str) -> None:
    model, network = segmenter(kind)
    context = Context()
    context.cancelled = True
    with pytest.raises(Cancelled):
        model.segment(picture(), [[9, 9, 1]], None, context)
    assert network.looks == 0


@pytest.mark.parametrize(
    ("points", "box", "said"),
    [([[90, 5, 1]], None, "outside the picture"), ([[5, 5, 0]], None, "off the object"), ([], [80, 0, 90, 9], "box")],
)
def test_wrong_prompts_are_refused(points: list[list[float]], box: list[float] | None, said: str) -> None:
    model, network = segmenter("sam")
    with pytest.raises(ProblemError, match=said) as caught:
        model.segment(picture(), points, box, Context())
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER
    assert network.looks == 0
