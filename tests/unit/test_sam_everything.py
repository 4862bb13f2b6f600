"""Everything-mode: grid, filters and suppression by hand, and a drawn world that a stand-in network sees rightly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from backend.models.sam.everything import (
    Filters,
    boxes_of,
    distinct_boxes,
    distinct_masks,
    point_grid,
    stability,
)
from backend.models.sam.families import SAM, Family
from backend.models.sam.inference import SamSegmenter
from backend.models.sam.network import Question, SamNetwork
from backend.pipelines.context import Cancelled, Context
from tests.unit.tiny_sam import picture, tiny

SIZE = (60, 100)  # of the drawn world


def test_the_grid_lies_in_the_middles_of_its_cells() -> None:
    assert point_grid(2, (40, 100)).tolist() == [[25, 10], [75, 10], [25, 30], [75, 30]]
    assert len(point_grid(32, (7, 9))) == 1024


def test_stability_by_hand() -> None:
    logits = torch.tensor([[[2.0, 2.0, 0.5, -0.5]], [[-3.0, -3.0, -3.0, -3.0]], [[5.0, 5.0, -5.0, -5.0]]])
    assert stability(logits, 1.0).tolist() == [0.5, 0.0, 1.0]


def test_boxes_by_hand() -> None:
    masks = torch.zeros(2, 4, 6, dtype=torch.bool)
    masks[0, 1:3, 2:5] = True
    masks[1, 3, 0] = True
    assert boxes_of(masks).tolist() == [[2, 1, 5, 3], [0, 3, 1, 4]]


def test_the_better_of_two_overlapping_boxes_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [20, 0, 30, 10], [0, 0, 10, 6]])
    scores = np.array([0.8, 0.9, 0.7, 0.6])
    assert distinct_boxes(boxes, scores, 0.7) == [1, 2], "0.8 and 0.75 of the second"
    assert distinct_boxes(boxes, scores, 0.79) == [1, 2, 3]


def test_the_first_of_two_overlapping_masks_stays() -> None:
    masks = np.zeros((3, 4, 10), bool)
    masks[0, :, :8], masks[1, :, :7], masks[2, :, 5:] = True, True, True
    assert distinct_masks(masks, 0.7) == [0, 2]
    assert distinct_masks(masks, 0.9) == [0, 1, 2]


class Drawn(SamNetwork):
    """Sees two rectangles and their ground rightly: three readings a click, of which two are worth keeping."""

    def __init__(self, family: Family = SAM) -> None:
        super().__init__(tiny("sam"), family, "cpu")
        self.batches: list[int] = []
        self.things = torch.zeros(3, *SIZE, dtype=torch.bool)
        self.things[1, 5:25, 10:40] = True
        self.things[2, 30:55, 50:90] = True
        self.things[0] = ~self.things[1] & ~self.things[2]

    def decode(self, embedding: Any, question: Question, several: bool) -> tuple[torch.Tensor, torch.Tensor]:
        assert several
        assert question.points is not None
        self.batches.append(len(question.points))
        scale = 64 / max(SIZE)
        logits, ious = [], []
        for x, y in question.points[:, 0] / scale:
            seen = next(thing for thing in self.things if thing[int(y), int(x)])
            square = torch.full((64, 64), -9.0)
            small = torch.nn.functional.interpolate(seen[None, None].float(), (38, 64))[0, 0]
            square[:38] = 18 * small - 9
            jagged = square.clone()
            jagged[::2] = torch.where(square[::2] > 0, 0.5, -9)  # unsure of half of its rows
            stray = square.clone()
            stray[36:38, 62:64] = 9  # the same thing with a few stray pixels: another box, nearly the same mask
            logits.append(torch.stack([square, jagged, stray]))
            ious.append(torch.tensor([0.95, 0.99, 0.9]))
        return torch.stack(logits), torch.stack(ious)


def test_every_thing_is_found_once() -> None:
    network = Drawn()
    found = SamSegmenter(network).everything(np.zeros((*SIZE, 3), np.uint8), Context())
    assert sum(network.batches) == 1024
    assert set(network.batches) == {64}
    assert len(found) == 3, "unsteady masks, and the same thing with stray pixels, are left out"
    for each in found:
        assert each.mask.shape == SIZE
        assert each.mask.dtype == bool
        overlaps = [(each.mask & thing).sum() / (each.mask | thing).sum() for thing in network.things.numpy()]
        assert max(overlaps) > 0.85
        assert each.iou == pytest.approx(0.95)
        assert each.stability > 0.95


def test_masks_that_the_network_doubts_are_left_out() -> None:
    assert SamSegmenter(Drawn()).everything(np.zeros((*SIZE, 3), np.uint8), Context(), Filters(min_iou=0.995)) == []


def test_a_large_picture_gets_masks_of_its_size() -> None:
    image = np.zeros((SIZE[0] * 3, SIZE[1] * 3, 3), np.uint8)
    found = SamSegmenter(Drawn()).everything(image, Context(), Filters(points_per_side=8))
    assert {each.mask.shape for each in found} == {(180, 300)}


def test_the_picture_is_looked_at_once_and_cancelling_ends_between_batches() -> None:
    class Stopping(Drawn):
        def decode(self, *given: Any, **named: Any) -> Any:
            context.cancelled = len(self.batches) == 2
            return super().decode(*given, **named)

    context, network = Context(), Stopping()
    with pytest.raises(Cancelled):
        SamSegmenter(network).everything(np.zeros((*SIZE, 3), np.uint8), context)
    assert network.batches == [64, 64, 64]


@pytest.mark.parametrize("kind", ["sam", "sam2", "sam3"])
def test_real_networks_of_every_generation_answer(kind: str) -> None:
    from backend.models.sam.families import SAM2, SAM3

    network = SamNetwork(tiny(kind), {"sam": SAM, "sam2": SAM2, "sam3": SAM3}[kind], "cpu")
    filters = Filters(points_per_side=5, points_per_batch=8, min_iou=-1e9, stability_offset=0.0, max_overlap=0.99)
    found = SamSegmenter(network).everything(picture(), Context(), filters)
    assert found
    ious = [each.iou for each in found]
    assert ious == sorted(ious, reverse=True)
    assert all(each.mask.any() and each.mask.shape == (40, 70) for each in found)
