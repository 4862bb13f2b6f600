"""Memory for results: used again once free, never while anybody sees it."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from protocol.rooms import SMALLEST, Rooms


def test_a_room_comes_back_when_its_last_view_is_gone() -> None:
    rooms = Rooms()
    view = rooms.take(SMALLEST)
    array = np.frombuffer(view[16:32], np.uint8)
    view[16] = 7
    del view
    gc.collect()
    assert rooms.kept_bytes == 0
    assert array[0] == 7
    del array
    gc.collect()
    assert rooms.kept_bytes == SMALLEST
    again = rooms.take(SMALLEST)
    assert rooms.kept_bytes == 0
    assert again[16] == 7  # the same memory


def test_two_rooms_held_at_once_are_two() -> None:
    rooms = Rooms()
    first, second = rooms.take(SMALLEST), rooms.take(SMALLEST)
    first[:3], second[:3] = b"one", b"two"
    assert bytes(first[:3]) == b"one"


@pytest.mark.parametrize("size", [0, 1, SMALLEST - 1, SMALLEST, SMALLEST + 1, 3 * SMALLEST])
def test_rooms_have_the_size_asked_for(size: int) -> None:
    rooms = Rooms()
    for _ in range(3):
        assert rooms.take(size).nbytes == size


def test_a_room_much_too_large_is_not_given() -> None:
    rooms = Rooms()
    rooms.take(10 * SMALLEST)
    gc.collect()
    rooms.take(SMALLEST)
    gc.collect()
    assert rooms.kept_bytes == 11 * SMALLEST


def test_only_so_much_is_kept() -> None:
    rooms = Rooms(keep_bytes=3 * SMALLEST)
    held = [rooms.take(SMALLEST) for _ in range(8)]
    del held
    gc.collect()
    assert rooms.kept_bytes == 3 * SMALLEST
