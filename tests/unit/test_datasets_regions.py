"""Run lengths and polygons to masks and back; what is wrong in them is refused, not guessed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco

from backend.datasets.regions import Region, Rle, decode, encode, outline
from protocol.problems import ProblemError

masks = arrays.arrays(bool, st.tuples(st.integers(1, 24), st.integers(1, 24)))
discs = st.tuples(st.integers(20, 60), st.integers(20, 60), st.floats(2, 30), st.floats(0, 20))


def read(region: Region, size: tuple[int, int]) -> np.ndarray:
    return decode(region, size, "file.json", "$.field")


@given(masks)
@settings(max_examples=150, deadline=None)
def test_run_lengths_come_back(mask: np.ndarray) -> None:
    region = encode(mask)
    assert np.array_equal(read(region, mask.shape), mask)
    assert isinstance(region.counts, str)
    assert np.array_equal(coco.decode({"size": list(mask.shape), "counts": region.counts}), mask)


@given(masks)
@settings(max_examples=50, deadline=None)
def test_run_lengths_in_numbers_come_back(mask: np.ndarray) -> None:
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *changes.tolist(), len(flat)]).tolist()
    if flat[0]:
        counts = [0, *counts]
    assert np.array_equal(read(Rle(mask.shape, counts), mask.shape), mask)


@given(masks)
@settings(max_examples=150, deadline=None)
def test_outlines_come_back_whatever_the_holes(mask: np.ndarray) -> None:
    assert np.array_equal(read(outline(mask), mask.shape), mask)


@given(discs)
@settings(max_examples=50, deadline=None)
def test_rings_come_back_as_outlines(disc: tuple[int, int, float, float]) -> None:
    height, width, outer, inner = disc
    rows, columns = np.mgrid[:height, :width]
    away = np.hypot(rows - height / 2, columns - width / 2)
    mask = (away < outer) & (away >= inner)
    assert np.array_equal(read(outline(mask), mask.shape), mask)


def test_an_outline_has_only_corners() -> None:
    mask = np.zeros((8, 9), bool)
    mask[2:5, 3:8] = True
    (polygon,) = outline(mask)
    assert sorted(zip(polygon[::2], polygon[1::2], strict=True)) == [(3, 2), (3, 5), (8, 2), (8, 5)]


def test_long_runs_come_back() -> None:
    mask = np.zeros((900, 1100), bool)
    mask[:, 500:1099] = True
    assert np.array_equal(read(encode(mask), mask.shape), mask)


def test_points_and_lines_cover_nothing() -> None:
    assert not read([[1.0, 1.0], [1.0, 1.0, 5.0, 5.0]], (8, 8)).any()


@pytest.mark.parametrize(
    ("region", "complaint"),
    [
        (Rle((8, 9), "P2"), "mask of 9 x 8"),
        (Rle((8, 8), "k0"), "broken run lengths"),  # too short
        (Rle((8, 8), "T9000"), "broken run lengths"),  # too long
        (Rle((8, 8), ""), "broken run lengths"),
        (Rle((8, 8), "o"), "broken run lengths"),  # the last number has no end
        (Rle((8, 8), "\x00\x01"), "broken run lengths"),
        (Rle((8, 8), "ü"), "broken run lengths"),
        (Rle((8, 8), "oooooooooo0"), "broken run lengths"),
        (Rle((8, 8), [65, -1]), "broken run lengths"),
        (Rle((8, 8), [10, 10]), "broken run lengths"),
        (Rle((8, 8), []), "broken run lengths"),
        ([[1.0, 1.0, 5.0, 1.0, 5.0, 5.0, 2.0]], "half a corner"),
        ([[0.0, 0.0, 1e12, 0.0, 5.0, 5.0]], "far outside"),
    ],
)
def test_wrong_regions_are_refused_by_name(region: Region, complaint: str) -> None:
    with pytest.raises(ProblemError, match=complaint) as caught:
        read(region, (8, 8))
    assert "file.json" in str(caught.value)
    assert "$.field" in str(caught.value)


@given(st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_mask_or_a_complaint(text: str) -> None:
    """pycocotools alone would read memory that is not its own."""
    try:
        mask = read(Rle((6, 7), text), (6, 7))
    except ProblemError:
        return
    assert mask.shape == (6, 7)
    assert np.array_equal(read(encode(mask), (6, 7)), mask)
