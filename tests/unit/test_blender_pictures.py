"""Pixels between Blender and the wire, and what is prepared off the main thread."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from blender_addon.pictures import (
    agreed,
    agreement,
    bounds,
    from_floats,
    outlined,
    revealed,
    shrink,
    thumbnail,
    tint,
)
from blender_addon.png import encode
from tests.unit.blender_staged import module


def as_blender(pixels: np.ndarray) -> np.ndarray:
    """uint8, top row first -> what Blender's image.pixels holds."""
    return (pixels[::-1].astype(np.float32) / np.float32(255)).ravel()


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([3, 4]), st.integers(0, 2**32 - 1))
def test_every_byte_survives_blender(height: int, width: int, channels: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    pixels[0, 0, -1] = 7  # not opaque
    assert np.array_equal(from_floats(as_blender(pixels), width, height, channels, linear=False), pixels)


def test_opaque_and_grey_pictures_become_rgb() -> None:
    opaque = np.full((4, 6, 4), 255, np.uint8)
    assert from_floats(as_blender(opaque), 6, 4, 4, linear=False).shape == (4, 6, 3)
    grey = np.linspace(0, 1, 24, dtype=np.float32)
    assert from_floats(grey, 6, 4, 1, linear=False).shape == (4, 6, 3)


def test_linear_pictures_are_turned_into_srgb_without_their_alpha() -> None:
    linear = np.array([[0.2140411, 0.5, 4.0, 1.0], [0.1, 0.1, 0.1, 0.5]], np.float32)
    out = from_floats(linear.ravel(), 2, 1, 4, linear=True)
    assert out[0, 0].tolist() == [127, 188, 255, 255] or out[0, 0].tolist() == [128, 188, 255, 255]
    assert out[0, 1].tolist() == [124, 124, 124, 128]  # 0.1 premultiplied with 0.5 is 0.2


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([3, 4]), st.integers(0, 2**32 - 1))
def test_png_is_read_by_others(height: int, width: int, channels: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(encode(pixels)))), pixels)


def test_masks_become_grey_png_files() -> None:
    mask = np.where(np.eye(9, 13, dtype=bool), np.uint8(255), np.uint8(0))
    assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(encode(mask)))), mask)


@given(st.integers(1, 3000), st.integers(1, 300), st.integers(8, 128))
def test_shrunk_pictures_fit_and_keep_their_colour(height: int, width: int, side: int) -> None:
    small = shrink(np.full((height, width, 3), 90, np.uint8), side)
    assert 1 <= min(small.shape[:2])
    assert max(small.shape[:2]) <= max(side, 1)
    assert np.array_equal(np.unique(small), [90])


def test_thumbnail_is_square_and_transparent_around() -> None:
    pixels = np.full((10, 40, 3), 255, np.uint8)
    square = thumbnail(pixels, 64).reshape(64, 64, 4)
    assert square[32, 32].tolist() == [1, 1, 1, 1]
    assert square[2, 32].tolist() == [0, 0, 0, 0]


def test_colours_of_transparent_pixels_do_not_shine_through_a_thumbnail() -> None:
    pixels = np.full((64, 64, 4), (255, 51, 0, 0), np.uint8)
    pixels[32:, :, 3] = 102  # the lower half, which is the first one in Blender
    square = thumbnail(pixels, 64).reshape(64, 64, 4)
    assert not square[40].any()
    assert np.allclose(square[10, 10], [0.4, 0.08, 0, 0.4])


def test_tint_has_an_outline_and_the_bottom_row_first() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[5:15, 10:30] = 255
    drawn = tint(mask, 640, (1, 2, 3))
    assert drawn[::-1][10, 20].tolist() == [1, 2, 3, 90]
    assert drawn[::-1][5, 20, 3] == 240
    assert drawn[::-1][30, 20, 3] == 0
    assert max(tint(np.full((3000, 100), 255, np.uint8), 640, (1, 2, 3)).shape) <= 640


def test_the_whole_object_stands_out_from_a_darkened_picture() -> None:
    completed = np.zeros((20, 30, 4), np.uint8)
    completed[5:10, 5:10] = (200, 100, 50, 255)
    drawn = revealed(completed, 640)[::-1]
    assert drawn[7, 7].tolist() == [200, 100, 50, 255]
    assert drawn[0, 0].tolist() == [0, 0, 0, 150]


def test_the_hidden_part_is_told_from_the_visible_one() -> None:
    seen, whole = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    seen[5:15, 10:30] = whole[5:15, 10:50] = 255
    drawn = outlined(seen, whole, 640, (1, 2, 3), (4, 5, 6))[::-1]
    assert drawn[10, 20].tolist() == [1, 2, 3, 90]
    assert drawn[10, 40].tolist() == [4, 5, 6, 90]
    assert drawn[10, 55, 3] == 0
    assert set(drawn[5, 31:50, 3].tolist()) == {90, 240}, "the hidden part's outline is dashed"
    assert set(drawn[5, 10:30, 3].tolist()) == {240}


def test_agreement_is_plain_and_doubt_is_striped() -> None:
    first, second = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    first[10:30, 10:30] = second[10:30, 10:50] = 255
    drawn = agreed([first, second], 640, (1, 2, 3), (4, 5, 6))[::-1]
    assert drawn[20, 20].tolist() == [1, 2, 3, 100]
    assert drawn[15:25, 35:45, :3].reshape(-1, 3).tolist() == [[4, 5, 6]] * 100
    assert set(drawn[15:25, 35:45, 3].ravel().tolist()) == {50, 165}
    assert drawn[35, 55, 3] == 0
    assert agreement([first, second]) == 0.5
    assert agreement([first, first]) == 1.0
    assert agreement([np.zeros((4, 4), np.uint8)]) == 0.0


def test_a_picture_without_a_mesh_becomes_a_cut_out_in_its_place() -> None:
    prepare = module("prepare")
    picture = np.zeros((40, 60, 4), np.uint8)
    picture[10:30, 20:30] = 255
    assert bounds(picture) == (20, 10, 30, 30)
    ready = prepare.cut_out(picture)
    assert ready.cut_out
    assert ready.placement == {"centre": [25.0, 20.0], "side": 20.0}
    assert np.ptp(ready.vertices, axis=0).tolist() == [0.5, 0.0, 1.0]
    corners = ready.corner_uvs * [60, 40]
    assert corners.min(axis=0) == pytest.approx([20, 10], abs=1e-4)
    assert corners.max(axis=0) == pytest.approx([30, 30], abs=1e-4)
    assert ready.corner_uvs[0].tolist() == pytest.approx([20 / 60, 1 - 30 / 40])  # the lower left corner first
    assert prepare.cut_out(np.zeros((4, 8, 4), np.uint8)).placement["side"] == 8.0


def finished_job(**outputs: object):
    """A job that is done with ``outputs``."""
    protocol = module("protocol")
    job = protocol.Job("job-00000001", "whole_object", None, {}, "interactive", "mug", True, print)
    job._advance(protocol.JobState.DONE, outputs=protocol.Outputs(outputs))
    return job


def test_results_are_made_ready_without_blender() -> None:
    protocol, prepare = module("protocol"), module("prepare")
    vertices = np.array([[0, 0, 0.5], [1, 0, 0.5], [0, 1, 0.5], [0, 0, -0.5]], np.float32)
    faces = np.array([[0, 1, 2], [1, 1, 3], [0, 2, 3]], np.int32)
    colours = np.full((4, 4), 255, np.uint8)
    mesh = protocol.Mesh(vertices, faces, colours, vertices[:, :2].copy(), np.full((8, 8, 3), 50, np.uint8))
    pictures = [protocol.Image(np.full((12, 20, 4), shade, np.uint8)) for shade in (10, 200)]
    job = finished_job(mesh=mesh, completed=pictures, mask=protocol.Mask(np.full((12, 20), 255, np.uint8)))
    result, samples = prepare.Preparer().result(job)
    assert result.meshes[0].vertices[0].tolist() == [0, -0.5, 0]
    assert result.meshes[0].faces.tolist() == [[0, 1, 2], [0, 2, 3]]  # the face that used a vertex twice is gone
    assert result.meshes[0].corner_uvs.shape == (6, 2)
    assert result.meshes[0].colours.max() == 1.0
    assert len(result.thumbnails) == len(result.looks.revealed) == len(samples.samples) == 2
    assert samples.samples[0] is result.first
    assert np.asarray(Pillow.open(io.BytesIO(samples.samples[1].completed)))[0, 0].tolist() == [200] * 4
    assert result.tint.shape == (12, 20, 4)


def test_a_preview_is_shown_once() -> None:
    protocol, prepare = module("protocol"), module("prepare")
    job = finished_job()
    job.previews["complete"] = {"completed": [protocol.Image(np.zeros((9, 9, 4), np.uint8))]}
    preparer = prepare.Preparer()
    assert [ready.stage for ready in preparer.previews(job)] == ["complete"]
    assert list(preparer.previews(job)) == []
    job.previews["complete"] = {"completed": []}
    assert len(list(preparer.previews(job))) == 1


@pytest.mark.parametrize("shape", [(2160, 3840, 4), (1000, 1000, 3)])
def test_png_is_quick(shape: tuple[int, ...]) -> None:
    pixels = np.zeros(shape, np.uint8)
    assert len(encode(pixels)) < pixels.nbytes / 50
