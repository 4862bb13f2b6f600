"""Contact sheets, turntables and the overview."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Picture

from backend.sheets import overview, turntable_gif, views_sheet


def view(colour: tuple[int, int, int], size: int = 64) -> np.ndarray:
    """A square of one colour on nothing."""
    picture = np.zeros((size, size, 4), np.uint8)
    picture[16:-16, 16:-16] = (*colour, 255)
    return picture


def test_views_stand_in_rows() -> None:
    sheet = views_sheet([view((10 * k, 0, 0)) for k in range(6)], columns=4)
    assert sheet.shape == (128, 256, 3)
    assert sheet[32, 32 + 64 * 3].tolist() == [30, 0, 0]
    assert sheet[64 + 32, 64 + 32].tolist() == [50, 0, 0]
    assert sheet[0, 0].tolist() == sheet[-1, -1].tolist() == [240, 240, 240]


def test_turntable_plays_every_frame_in_its_colours(tmp_path: Path) -> None:
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 30)]
    turntable_gif([view(colour) for colour in colours], tmp_path / "turn.gif", fps=10)
    with Picture.open(tmp_path / "turn.gif") as film:
        assert film.n_frames == 4  # type: ignore[attr-defined]
        assert film.info["loop"] == 0
        assert film.info["duration"] == 100
        for k, colour in enumerate(colours):
            film.seek(k)
            frame = np.asarray(film.convert("RGB")).astype(int)
            assert np.abs(frame[32, 32] - colour).max() < 12
            assert np.abs(frame[2, 2] - 240).max() < 12


def test_turntable_keeps_equal_frames(tmp_path: Path) -> None:
    """A turning ball of one colour still turns for as long as it has frames."""
    turntable_gif([view((90, 90, 90))] * 3, tmp_path / "still.gif", fps=10)
    with Picture.open(tmp_path / "still.gif") as film:
        total = 0
        for k in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(k)
            total += film.info["duration"]
    assert total == 300


def test_overview_shows_all_of_it() -> None:
    image = np.full((120, 200, 3), 90, np.uint8)
    visible, whole = np.zeros((120, 200), np.uint8), np.zeros((120, 200), np.uint8)
    visible[30:90, 40:100] = whole[30:90, 40:150] = 255
    completed = np.dstack([image, whole])
    sheet = overview(image, visible, whole, completed, [view((200, 30, 30), 512)] * 8, "a cup, 20,000 faces")
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] > 1400
    assert sheet.shape[0] > 500
    flat = sheet.reshape(-1, 3).astype(int)
    assert (np.abs(flat - (200, 30, 30)).max(axis=1) < 3).sum() > 4 * 10_000  # four views
    assert (flat[:, 0] - flat[:, 2] > 60).sum() > 1_000  # the hidden part, in orange
