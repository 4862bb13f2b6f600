"""Composites of photos: the same again, and true to the pixel."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from backend.datasets.cutouts import pictures_in
from backend.evaluation.cases import Case, CaseFolder
from backend.evaluation.composites import SIZE, composites
from backend.synthetic.writers.cases import write_case, write_list
from protocol.problems import ErrorCode, ProblemError

COLOURS = ((220, 40, 40), (40, 200, 60), (50, 60, 220), (230, 200, 30))


@pytest.fixture(scope="module")
def cutouts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four ellipses of plain colour with soft edges."""
    folder = tmp_path_factory.mktemp("cutouts")
    for number, colour in enumerate(COLOURS):
        alpha = np.zeros((160, 220), np.uint8)
        cv2.ellipse(alpha, (110, 80), (60 + 12 * number, 70 - 9 * number), 0, 0, 360, 255, -1, cv2.LINE_AA)
        pixels = np.dstack([np.full((160, 220, 3), colour, np.uint8), alpha])
        Picture.fromarray(pixels).save(folder / f"{number}.png")
    return pictures_in(folder)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0).integers(90, 160, (300, 500, 3)).astype(np.uint8)
    Picture.fromarray(noise).save(folder / "noise.png")
    return pictures_in(folder)


@pytest.fixture(scope="module")
def cases(cutouts: list[Path], photos: list[Path]) -> list[Case]:
    return list(composites(cutouts, photos, 3, 6))


def test_the_same_seed_gives_the_same_cases(cases: list[Case], cutouts: list[Path], photos: list[Path]) -> None:
    again = list(composites(cutouts, photos, 3, 6))
    for one, other in zip(cases, again, strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.modal, other.modal)
    assert not np.array_equal(cases[0].image, next(composites(cutouts, photos, 4, 1)).image)


def test_masks_and_rates_are_what_they_say(cases: list[Case]) -> None:
    for case in cases:
        assert case.front is not None
        assert case.image.shape == (*SIZE, 3)
        assert not (case.modal & ~case.amodal).any()
        assert np.array_equal(case.modal, case.amodal & ~case.front)
        assert case.occlusion_rate == pytest.approx(1 - case.modal.sum() / case.amodal.sum())
        assert 0.2 <= case.occlusion_rate <= 0.6
        x, y = (int(each) for each in case.point)
        assert case.modal[y, x]


def test_the_picture_shows_the_object_where_nothing_hides_it(cases: list[Case]) -> None:
    for case in cases:
        assert case.whole is not None
        inner = cv2.erode(case.modal.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
        # But for grain, and the shadow of what stands in front.
        off = np.abs(case.image.astype(int) - case.whole[..., :3])[inner]
        assert inner.any()
        assert np.median(off) < 8


def test_what_is_written_is_read_again(cases: list[Case], tmp_path: Path) -> None:
    entries = []
    for case in cases:
        assert case.front is not None
        assert case.whole is not None
        pictures = {"modal": case.modal, "amodal": case.amodal, "front": case.front, "whole": case.whole}
        entries.append(write_case(tmp_path, case.id, case.image, case.occlusion_rate, **pictures))
    write_list(tmp_path, entries, "composite")
    read = CaseFolder(tmp_path)
    assert len(read) == len(cases)
    for one, other in zip(cases, read, strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.amodal, other.amodal)
        assert one.box == other.box
        assert one.point == other.point


def test_files_that_cannot_be_used_are_named(cutouts: list[Path], photos: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="gives 2 cut-outs") as caught:
        next(composites(cutouts[:2], photos, 0, 1))
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    opaque = tmp_path / "opaque.png"
    Picture.fromarray(np.zeros((40, 40, 4), np.uint8) + 255).save(opaque)
    with pytest.raises(ProblemError, match=r"opaque\.png has no alpha"):
        list(composites([opaque, opaque, opaque], photos, 0, 1))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProblemError, match="holds no pictures"):
        pictures_in(tmp_path / "empty")
