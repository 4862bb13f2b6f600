"""Label maps read from colours and ids, and what is said of those that are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from protocol import labels
from protocol.messages import LabelInfo
from protocol.problems import ErrorCode, ProblemError
from protocol.values import LabelMap

CAR = [LabelInfo("background", (255, 255, 255)), LabelInfo("body", (204, 0, 0)), LabelInfo("window", (76, 153, 0))]
maps = hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 2))


@settings(deadline=None)
@given(ids=maps)
def test_what_was_painted_is_read_again(ids: np.ndarray) -> None:
    picture = labels.painted(ids, CAR)
    assert labels.from_colours(picture, CAR) == LabelMap(ids)
    assert labels.nearest(picture, CAR) == LabelMap(ids)
    assert labels.from_ids(ids.astype(np.uint8), CAR) == LabelMap(ids)


def test_soft_edges_go_to_the_nearest_colour() -> None:
    mixed = np.linspace((204, 0, 0), (76, 153, 0), 9).astype(np.uint8)[None]
    assert labels.nearest(mixed, CAR).ids.tolist() == [[1, 1, 1, 1, 1, 2, 2, 2, 2]]


def test_what_is_transparent_is_background() -> None:
    picture = np.dstack([labels.painted(np.ones((1, 3), np.uint16), CAR), np.array([[255, 127, 0]], np.uint8)])
    assert labels.from_colours(picture, CAR).ids.tolist() == [[1, 0, 0]]
    picture[0, 2, :3] = 7  # a colour that nobody sees
    assert labels.from_colours(picture, CAR).ids.tolist() == [[1, 0, 0]]
    assert labels.nearest(picture, CAR).ids.tolist() == [[1, 0, 0]]


def test_of_two_labels_in_one_colour_the_first_is_meant() -> None:
    twice = [*CAR, LabelInfo("door", (204, 0, 0))]
    assert labels.from_colours(labels.painted(np.array([[3]]), twice), twice).ids.tolist() == [[1]]


def test_unknown_colours_and_ids_are_named_with_the_palette() -> None:
    picture = labels.painted(np.zeros((4, 4), np.uint16), CAR)
    picture[0, :3] = [[1, 2, 3], [1, 2, 3], [200, 0, 0]]
    with pytest.raises(ProblemError) as caught:
        labels.from_colours(picture, CAR)
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    assert "#010203, #c80000" in caught.value.problem.message
    assert "0 background #ffffff, 1 body #cc0000, 2 window #4c9900" in caught.value.problem.hint
    with pytest.raises(ProblemError, match="the ids 3, 4, 5, 6 and 2 more"):
        labels.from_ids(np.arange(9).reshape(3, 3), CAR)
    with pytest.raises(ProblemError, match="-1"):
        labels.from_ids(np.array([[-1, 0]]), CAR)


def test_a_model_without_labels_has_no_label_maps() -> None:
    with pytest.raises(ProblemError, match="no label"):
        labels.from_colours(np.zeros((1, 1, 3), np.uint8), [])


def test_ids_beyond_the_palette_are_black() -> None:
    assert labels.painted(np.array([[0, 9]]), CAR).tolist() == [[[255, 255, 255], [0, 0, 0]]]


def test_resizing_takes_the_label_at_each_pixels_centre() -> None:
    small = LabelMap(np.array([[0, 1], [2, 0]], np.uint16))
    assert labels.resized(small, 4, 4) == LabelMap(np.kron(small.ids, np.ones((2, 2), np.uint16)))
    assert labels.resized(labels.resized(small, 6, 10), 2, 2) == small
