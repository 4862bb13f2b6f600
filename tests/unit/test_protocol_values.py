"""What a value refuses, and what the refusal says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from protocol.problems import ErrorCode, ProblemError
from protocol.values import Array, Camera, Depth, Frames, Handle, Image, Mask, Mesh, Value

TRIANGLE = np.zeros((3, 3), np.float32)
FACE = np.array([[0, 1, 2]], np.int32)

REFUSED: list[tuple[str, Callable[[], Any], str]] = [
    ("empty picture", lambda: Image(np.zeros((0, 0, 3), np.uint8)), "0 x 0 x 3"),
    ("float picture", lambda: Image(np.zeros((4, 4, 3), np.float32)), "float32 4 x 4 x 3"),
    ("grey picture", lambda: Image(np.zeros((4, 4), np.uint8)), "H x W x 3 or 4"),
    ("list as picture", lambda: Image([[1, 2, 3]]), "list"),  # type: ignore[arg-type]
    ("mask with grey", lambda: Mask(np.full((2, 2), 7, np.uint8)), "0 and 255"),
    ("bool mask", lambda: Mask(np.ones((2, 2), bool)), "bool"),  # type: ignore[arg-type]
    ("depth with NaN", lambda: Depth(np.full((2, 2), np.nan, np.float32)), "NaN"),
    ("array with infinity", lambda: Array(np.array([np.inf])), "infinity"),
    ("array of objects", lambda: Array(np.array([{}])), "object"),
    ("video at 0 fps", lambda: Frames(np.zeros((1, 2, 2, 3), np.uint8), 0), "fps"),
    ("face out of range", lambda: Mesh(TRIANGLE, FACE + 1), "1 to 3"),
    ("negative face", lambda: Mesh(TRIANGLE, FACE - 1), "-1 to 1"),
    ("mesh with NaN", lambda: Mesh(TRIANGLE * np.nan, FACE), "NaN"),
    ("too few colours", lambda: Mesh(TRIANGLE, FACE, np.zeros((2, 4), np.uint8)), "2 colours"),
    ("texture without uvs", lambda: Mesh(TRIANGLE, FACE, texture=np.zeros((2, 2, 3), np.uint8)), "no uvs"),
    ("too few labels", lambda: Mesh(TRIANGLE, FACE, face_labels=np.zeros(2, np.uint16)), "2 face labels"),
    ("signed labels", lambda: Mesh(TRIANGLE, FACE, face_labels=np.zeros(1, np.int16)), "int16"),  # type: ignore[arg-type]
    ("camera of 3 x 3", lambda: Camera(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)), "4 x 4"),
    ("handle without id", lambda: Handle("", "mesh"), "handle"),
]


@pytest.mark.parametrize(("make", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_bad_values_are_refused_with_what_is_allowed(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        make()
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    assert said in str(caught.value.problem)
    assert caught.value.problem.hint


def test_a_picture_of_20000_squared_is_refused_without_being_read() -> None:
    # A zero-stride view stands for the memory that nobody should have to allocate.
    with pytest.raises(ProblemError, match="20000 x 20000"):
        Image(np.broadcast_to(np.zeros(3, np.uint8), (20_000, 20_000, 3)))


def test_values_are_equal_by_content_and_kind() -> None:
    pixels = np.full((2, 2), 255, np.uint8)
    assert Mask(pixels) == Mask(pixels.copy())
    assert Mask(pixels) != Mask(np.zeros((2, 2), np.uint8))
    assert Mask(pixels) != Array(pixels)


def test_every_kind_is_registered_once() -> None:
    assert set(Value.ALL) == {
        "image", "mask", "label_map", "depth", "frames", "mesh", "camera", "array", "handle",
    }  # fmt: skip


def test_a_value_is_stored_in_c_order() -> None:
    assert Image(np.zeros((4, 6, 3), np.uint8).transpose(1, 0, 2)).pixels.flags.c_contiguous
