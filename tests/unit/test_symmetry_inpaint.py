"""Completion on scenes whose hidden part is known, and on photos where nothing is hidden."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.imaging.masks import iou
from backend.models.symmetry_inpaint.ellipse import Ellipse, ellipse_through
from backend.models.symmetry_inpaint.inference import load
from backend.models.symmetry_inpaint.shapes import mapped, reflection
from backend.pipelines.context import Cancelled, Context

SIDE = 256


def _shape(kind: str, random: np.random.Generator) -> np.ndarray:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    x, y = (int(SIDE // 2 + random.integers(-20, 20)) for _ in range(2))
    radius = int(random.integers(40, 70))
    if kind == "disc":
        cv2.circle(canvas, (x, y), radius, 1, -1)
    elif kind == "ellipse":
        axes = (radius, int(radius * random.uniform(0.45, 0.8)))
        cv2.ellipse(canvas, (x, y), axes, float(random.uniform(0, 180)), 0, 360, 1, -1)
    elif kind == "rectangle":
        half = int(radius * random.uniform(0.5, 0.9))
        cv2.rectangle(canvas, (x - radius, y - half), (x + radius, y + half), 1, -1)
    else:
        cv2.rectangle(canvas, (x - radius // 2, y - radius // 3), (x + radius // 2, y + radius), 1, -1)
        cv2.rectangle(canvas, (x - radius // 6, y - radius), (x + radius // 6, y), 1, -1)
    return canvas > 0


def _scene(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture, the whole object's mask and its occluder's."""
    random = np.random.default_rng(seed)
    whole = _shape(kind, random)
    rows, columns = np.nonzero(whole)
    while True:
        occluder = np.zeros((SIDE, SIDE), np.uint8)
        pick = random.integers(len(rows))
        cv2.circle(occluder, (int(columns[pick]), int(rows[pick])), int(random.integers(25, 50)), 1, -1)
        hidden_share = (whole & (occluder > 0)).sum() / whole.sum()
        if 0.1 < hidden_share < 0.45:
            break
    image = np.empty((SIDE, SIDE, 3), float)
    image[:] = random.integers(0, 255, 3)
    image[whole] = random.integers(0, 255, 3)
    image[occluder > 0] = random.integers(0, 255, 3)
    image += random.normal(0, 6, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8), whole, occluder > 0


KINDS = ("disc", "ellipse", "rectangle", "bottle")
SCENES = [_scene(kind, seed) for kind in KINDS for seed in range(4)]


def _scores(given: bool) -> tuple[list[float], list[float], list[float]]:
    before, first, best = [], [], []
    for image, whole, occluder in SCENES:
        visible = whole & ~occluder
        found = load("cpu").complete(image, visible, occluder if given else None, 3, 0, Context())
        before.append(iou(visible, whole))
        first.append(iou(found[0][1], whole))
        best.append(max(iou(mask, whole) for _, mask, _ in found))
    return before, first, best


def test_the_whole_is_nearer_than_the_visible_part_when_the_occluder_is_known() -> None:
    before, first, best = _scores(given=True)
    assert np.mean(first) > np.mean(before) + 0.12
    assert np.mean(best) > np.mean(before) + 0.17


def test_the_whole_is_nearer_than_the_visible_part_when_nobody_says_what_hides_it() -> None:
    before, first, best = _scores(given=False)
    assert np.mean(first) > np.mean(before) + 0.08
    assert np.mean(best) >= np.mean(first)


def test_samples_are_ordered_distinct_and_leave_the_visible_part_alone() -> None:
    image, whole, occluder = SCENES[4]
    visible = whole & ~occluder
    found = load("cpu").complete(image, visible, occluder, 8, 0, Context())
    scores = [score for _, _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert len(found) > 1
    for rgba, mask, _ in found:
        assert rgba.shape == (SIDE, SIDE, 4)
        assert np.array_equal(rgba[visible, :3], image[visible])
        assert mask[visible].all()
        assert not (mask & ~visible & ~occluder).any(), "nothing is hidden where no occluder is"
        assert np.array_equal(rgba[..., 3] >= 128, mask)
    assert all(iou(a[1], b[1]) < 1 for i, a in enumerate(found) for b in found[:i])


def test_the_same_input_gives_the_same_bytes() -> None:
    image, whole, occluder = SCENES[1]
    once, again = (load("cpu").complete(image, whole & ~occluder, None, 2, 0, Context()) for _ in range(2))
    assert [rgba.tobytes() for rgba, _, _ in once] == [rgba.tobytes() for rgba, _, _ in again]


def test_an_object_in_plain_sight_stays_as_it_is() -> None:
    image, whole, _ = SCENES[4]
    clear = np.full_like(image, 90)
    clear[whole] = (200, 40, 30)
    rgba, mask, _ = load("cpu").complete(clear, whole, None, 1, 0, Context())[0]
    assert iou(mask, whole) > 0.97
    assert np.array_equal(rgba[whole, :3], clear[whole])


def test_hidden_colours_are_those_of_the_object() -> None:
    image, whole, occluder = SCENES[0]
    visible = whole & ~occluder
    rgba, mask, _ = load("cpu").complete(image, visible, occluder, 1, 0, Context())[0]
    added = mask & ~visible
    assert added.any()
    difference = np.abs(rgba[added, :3].mean(axis=0) - image[visible].mean(axis=0))
    assert difference.max() < 25


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 3)])
def test_tiny_objects_and_extreme_pictures(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    mask = np.zeros(shape, bool)
    mask[0, 0] = True
    rgba, found, _ = load("cpu").complete(image, mask, None, 3, 0, Context())[0]
    assert rgba.shape == (*shape, 4)
    assert found[0, 0]


def test_an_object_cut_by_the_border_is_handled() -> None:
    image = np.full((120, 160, 3), 120, np.uint8)
    mask = np.zeros((120, 160), bool)
    mask[:, :40] = True
    assert load("cpu").complete(image, mask, None, 2, 0, Context())


def test_it_stops_when_asked() -> None:
    image, whole, occluder = SCENES[0]
    context = Context()
    context.cancelled = True
    with pytest.raises(Cancelled):
        load("cpu").complete(image, whole & ~occluder, None, 3, 0, context)


def test_an_ellipse_is_found_among_other_points() -> None:
    true = Ellipse(50, 40, 30, 18, 0.6)
    turn = np.linspace(0, 1.3 * np.pi, 120)
    local = np.stack([true.a * np.cos(turn), true.b * np.sin(turn)], axis=-1)
    cos, sin = np.cos(true.angle), np.sin(true.angle)
    on = local @ np.array([[cos, sin], [-sin, cos]]) + (true.x, true.y)
    off = np.random.default_rng(0).uniform(0, 100, (40, 2))
    found = ellipse_through(np.concatenate([on, off]).astype(np.float32))
    assert found is not None
    assert true.distance(on).max() < 0.2
    assert iou(found.filled((100, 100)), true.filled((100, 100))) > 0.95


def test_a_mirrored_mask_mirrored_again_is_itself() -> None:
    mask = _shape("bottle", np.random.default_rng(3))
    twin = reflection(0.0, 0.0, (SIDE / 2, SIDE / 2))
    assert iou(mapped(mapped(mask, twin), twin), mask) > 0.99
