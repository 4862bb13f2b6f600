"""pix2pix3D's label maps, drawings and colours as arrays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.imaging.drawings import ink_of
from backend.models.pix2pix3d.pictures import (
    PALETTE,
    Rounding,
    colours_of,
    drawing_of,
    drawing_to_network,
    grey_of,
    ids_of,
    ink_colour,
    painted,
)


def strokes() -> np.ndarray:
    """uint8 16 x 16: a black cross on white."""
    drawing = np.full((16, 16), 255, np.uint8)
    drawing[7:9] = drawing[:, 7:9] = 0
    return drawing


def test_ids_are_painted_and_unknown_ones_black() -> None:
    found = painted(np.array([[0, 1, 18], [19, 255, 40000]], np.uint16))
    assert found.dtype == np.uint8
    assert np.array_equal(found[0], [PALETTE[0], PALETTE[1], PALETTE[18]])
    assert not found[1].any()
    assert np.array_equal(painted(np.array([1, 2]), ((1, 2, 3), (4, 5, 6))), [(4, 5, 6), (0, 0, 0)])


def test_a_drawing_that_is_all_in_its_transparency_is_seen() -> None:
    drawing = strokes()
    clear = np.dstack([np.zeros((16, 16, 3), np.uint8), 255 - drawing])
    assert np.array_equal(grey_of(clear), drawing)
    assert torch.equal(drawing_to_network(clear, 16), drawing_to_network(drawing, 16))


def test_paper_is_one_and_ink_minus_one_on_either_ground() -> None:
    drawing = strokes()
    dark = drawing_to_network(drawing, 16, blurred=False)
    assert dark.shape == (1, 1, 16, 16)
    assert dark.dtype == torch.float32
    assert dark[0, 0, 0, 0] == 1
    assert dark[0, 0, 7, 0] == -1
    assert (ink_colour(drawing), ink_colour(255 - drawing)) == ("dark", "light")
    assert torch.equal(drawing_to_network(255 - drawing, 16, blurred=False), dark)
    assert torch.equal(drawing_to_network(255 - drawing, 16, "dark", blurred=False), -dark)


def test_drawings_are_blurred_at_their_own_size_then_their_nearest_pixels_taken() -> None:
    ink = ink_of(strokes(), (8, 8))
    full = ink_of(strokes(), (16, 16))
    assert np.array_equal(ink, full[::2, ::2])
    assert ((full > 0) & (full < 255)).any()
    assert set(np.unique(ink_of(strokes(), (16, 16), blurred=False))) == {0, 255}
    assert ink_of(strokes(), (5, 9)).shape == (5, 9)


@pytest.mark.parametrize(
    ("rounding", "wanted"),
    [("tools", [0, 0, 127, 255, 255]), ("editor", [0, 0, 127, 255, 255]), ("scores", [0, 0, 128, 255, 255])],
)
def test_colours_are_cut_off_at_both_ends(rounding: Rounding, wanted: list[int]) -> None:
    image = torch.tensor([-7.0, -1.01, 0.0, 1.0, 9.0]).expand(1, 3, 1, 5)
    found = colours_of(image, rounding)
    assert found.dtype == np.uint8
    assert found.shape == (1, 1, 5, 3)
    assert found[0, 0, :, 0].tolist() == wanted


def test_of_equally_likely_labels_the_first_is_taken() -> None:
    semantic = torch.zeros(1, 4, 2, 2)
    semantic[0, 3, 0, 0] = semantic[0, 2, 0, 0] = 1
    found = ids_of(semantic)
    assert found.dtype == np.uint16
    assert found.tolist() == [[[2, 0], [0, 0]]]


def test_drawings_come_out_as_dark_ink_on_white() -> None:
    assert drawing_of(torch.tensor([-3.0, -1, 0, 1, 3]).view(1, 1, 1, 5)).tolist() == [[[0, 0, 127, 255, 255]]]
