"""Which of the two models' wholes are offered, and in which order."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.masks import iou
from backend.pipelines import complete
from protocol.values import Image, Mask
from tests.unit.recorder import Recorder

NAME = "starter-and-symmetry"
SIDE = 192


def _scene(disc: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture of a disc, or of a thing without symmetry, behind a square; the whole's mask and the square's."""
    whole, square = np.zeros((2, SIDE, SIDE), np.uint8)
    if disc:
        cv2.circle(whole, (90, 96), 56, 1, -1)
    else:
        cv2.fillPoly(
            whole, [np.array([(30, 40), (120, 25), (160, 90), (110, 100), (100, 160), (60, 120), (70, 90)])], 1
        )
    cv2.rectangle(square, (100, 70), (180, 120), 1, -1)
    image = np.full((SIDE, SIDE, 3), (40, 90, 60), np.uint8)
    image[whole > 0] = 210, 160, 40
    image[square > 0] = 60, 60, 200
    return image, whole > 0, square > 0


def _completed(
    image: np.ndarray, mask: np.ndarray, samples: int, occluders: np.ndarray | None = None, name: str = NAME
):
    return Recorder().model(name).complete(image, mask, occluders, samples, 3, Recorder())


def test_the_learned_whole_comes_first_and_then_those_of_symmetry() -> None:
    image, whole, square = _scene(disc=False)
    found = _completed(image, whole & ~square, 3)
    [learned] = _completed(image, whole & ~square, 1, name="pix2gestalt-starter")
    symmetric = _completed(image, whole & ~square, 3, name="symmetry-inpaint")
    assert np.array_equal(found[0][0], learned[0])
    assert len(found) == 3
    offered = [mask.tobytes() for _, mask, _ in symmetric]
    places = [offered.index(mask.tobytes()) for _, mask, _ in found[1:]]
    assert places == sorted(places)
    assert all(iou(found[0][1], mask) < 0.97 for _, mask, _ in found[1:])
    [first] = _completed(image, whole & ~square, 1)
    assert np.array_equal(first[0], learned[0])


def test_an_ellipse_that_symmetry_is_sure_of_comes_first() -> None:
    image, whole, square = _scene(disc=True)
    found = _completed(image, whole & ~square, 3)
    assert found[0][2] >= 0.88
    assert iou(found[0][1], whole) > 0.97
    [learned] = _completed(image, whole & ~square, 1, name="pix2gestalt-starter")
    assert np.array_equal(found[1][0], learned[0])


def test_nothing_is_made_where_nothing_can_be_hidden() -> None:
    image, whole, square = _scene(disc=False)
    visible = whole & ~square
    small = square.copy()
    small[:, 130:] = False
    for rgba, mask, _ in _completed(image, visible, 3, small):
        assert not (mask & ~(visible | small)).any()
        assert rgba[..., 3][~(visible | small)].max() < 128  # a soft edge at most


def test_the_task_tells_of_progress_through_both() -> None:
    image, whole, square = _scene(disc=False)
    context = Recorder()
    given = {"samples": 3, "seed": 3, "model": NAME, "quality": "draft"}
    outputs, info = complete.run(context, {"image": Image(image), "mask": Mask.of(whole & ~square)}, given)
    assert len(outputs["completed"]) == len(info["scores"]) == 3
    assert context.fractions == sorted(context.fractions)
    assert 0.6 <= context.fractions[-1] <= 1
    assert "complete" in dict(context.previews)
