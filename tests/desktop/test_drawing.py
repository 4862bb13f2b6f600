"""Label maps without Qt: strokes, filling, undo, editing from a new side, files, cameras."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_gui.label_files import load_label_map, save_colours, save_ids
from desktop_gui.state.brush import Brush, Tool
from desktop_gui.state.drawing import LabelDocument, fitted
from desktop_gui.state.labelled import View, face_coloured
from desktop_gui.state.orbit import Orbit
from desktop_gui.state.strokes import Rect, fill, paint_line
from protocol import Handle, Image, LabelMap, Mesh, ProblemError
from protocol.messages import LabelInfo

PALETTE = (
    LabelInfo("background", (255, 255, 255)),
    LabelInfo("body", (204, 0, 0)),
    LabelInfo("window", (76, 153, 0)),
)
SHORT_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x04IHDR\x00\x00\x00\x08\xfc\xd5aR"  # its header has a third of its length
_places = st.tuples(st.floats(-20, 60), st.floats(-20, 60))


def _document(size: int = 32) -> LabelDocument:
    return LabelDocument.blank("car", "seg2car", PALETTE, size)


@settings(deadline=None)
@given(_places, _places, st.integers(1, 30))
def test_a_stroke_changes_what_it_says_and_nothing_else(
    start: tuple[float, float], end: tuple[float, float], size: int
) -> None:
    ids = np.zeros((40, 48), np.uint16)
    rect = paint_line(ids, start, end, size, 2)
    assert set(np.unique(ids)) <= {0, 2}
    outside = np.ones_like(ids, bool)
    outside[rect.y0 : rect.y1, rect.x0 : rect.x1] = False
    assert not ids[outside].any()
    for x, y in (start, end):
        if 1 <= x < 47 and 1 <= y < 39:
            assert ids[math.floor(y), math.floor(x)] == 2 or size % 2 == 0


def test_discs_are_the_same_everywhere_and_as_wide_as_said() -> None:
    for size in (1, 2, 3, 8, 15):
        ids = np.zeros((64, 64), np.uint16)
        paint_line(ids, (20.2, 30.7), (20.2, 30.7), size, 1)
        rows, columns = np.flatnonzero(ids.any(1)), np.flatnonzero(ids.any(0))
        assert len(rows) == len(columns) == size
        disc = ids[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert np.array_equal(disc, disc[::-1])
        assert np.array_equal(disc, disc.T)


def test_a_thin_line_has_no_gap() -> None:
    ids = np.zeros((50, 50), np.uint16)
    paint_line(ids, (2.5, 3.5), (47.5, 20.5), 1, 1)
    columns = ids[:, 2:48].any(0)
    assert columns.all()
    assert ids.sum() < 90


def test_filling_stops_at_edges() -> None:
    ids = np.zeros((20, 30), np.uint16)
    ids[:, 10] = 1
    ids[5, 10] = 0  # a gap
    ids[12, :] = 2
    assert fill(ids, 0, 0, 3)
    assert (ids[:12][ids[:12] != 1] == 3).all()
    assert not (ids[13:] == 3).any()
    assert not fill(ids, 0, 0, 3)
    assert not fill(ids, -1, 0, 1)


def _stroke(document: LabelDocument, label: int = 1) -> None:
    document.begin(5, 5, 4, label)
    document.move(20, 20, 4, label)
    document.end()


def test_a_stroke_is_one_step() -> None:
    document = _document()
    assert document.begin(5, 5, 4, 1) != Rect(0, 0, 0, 0)
    document.move(20, 20, 4, 1)
    assert document.current.empty, "the stroke is not finished"
    assert document.ids.any()
    assert document.end()
    assert not document.end()
    _stroke(document)
    document.undo()
    assert document.ids.any() == document.can_undo, "painting the same again is no step"
    _stroke(document, 2)
    document.begin(1, 1, 9, 2)
    document.give_up()
    assert document.ids[1, 1] == 0
    document.undo()
    document.redo()
    assert 2 in document.ids
    assert document.fill(31, 0, 1)
    assert document.clear()
    assert document.current.empty
    document.undo()
    assert document.ids[0, 31] == 1


def test_editing_from_a_new_side_keeps_what_was_there() -> None:
    document = _document()
    _stroke(document)
    before = document.current
    seen, camera, base = np.full((32, 32), 2, np.uint16), Orbit().camera(), Handle("field-1", "field")
    document.edit_from(seen, camera, base, seed=5)
    assert document.current.camera is camera
    assert document.current.keeps_style
    document.fill(3, 3, 1)
    assert document.current.base is base
    document.restyle(6)
    assert not document.current.keeps_style
    assert list(document.bases) == ["field-1"]
    for _ in range(3):
        document.undo()
    assert document.current is before
    assert document.current.camera is None
    document.redo()
    assert np.array_equal(document.ids, seen)


def test_brush_sizes_go_up_and_down() -> None:
    brush = Brush(size=1)
    sizes = [brush.size]
    for _ in range(40):
        brush.step(1)
        sizes.append(brush.size)
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 15
    for _ in range(60):
        brush.step(-1)
    assert brush.size == 1
    brush.tool = Tool.ERASER
    assert brush.ink == 0


@pytest.mark.parametrize("write", ["ids", "colours"])
def test_label_maps_come_back_from_files(tmp_path: Path, write: str) -> None:
    ids = np.random.default_rng(0).integers(0, 3, (20, 30)).astype(np.uint16)
    path = tmp_path / "car.png"
    if write == "ids":
        save_ids(path, ids)
        assert PIL.Image.open(path).mode == "L"
    else:
        save_colours(path, ids, PALETTE)
        assert PIL.Image.open(path).convert("RGB").getpixel((0, 0)) == PALETTE[ids[0, 0]].colour
        PIL.Image.open(path).convert("RGB").save(tmp_path / "rgb.png")
        assert np.array_equal(load_label_map(tmp_path / "rgb.png", PALETTE).ids, ids)
    assert np.array_equal(load_label_map(path, PALETTE).ids, ids)


def test_what_is_no_label_map_is_said(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    PIL.Image.fromarray(np.full((8, 8, 3), 77, np.uint8)).save(path)
    with pytest.raises(ProblemError, match="#4d4d4d"):
        load_label_map(path, PALETTE)
    PIL.Image.fromarray(np.full((8, 8), 77, np.uint8)).save(path)
    with pytest.raises(ProblemError, match="77"):
        load_label_map(path, PALETTE)
    for content in (b"no picture", SHORT_PNG):
        path.write_bytes(content)
        with pytest.raises(ProblemError, match="no picture in"):
            load_label_map(path, PALETTE)
    with pytest.raises(ProblemError, match="no file"):
        load_label_map(tmp_path / "gone.png", PALETTE)
    odd = PIL.Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    odd.putpalette([9, 9, 9, 8, 8, 8, 7, 7, 7])
    odd.save(path)
    assert load_label_map(path, PALETTE).ids.tolist() == [[0, 1], [2, 1]], "ids in somebody else's colours"


def test_maps_are_fitted_whole() -> None:
    ids = np.ones((10, 40), np.uint16)
    made = fitted(LabelMap(ids), 20)
    assert made.shape == (20, 20)
    assert made.sum() == 20 * 5
    assert not made[:7].any()
    assert np.array_equal(fitted(LabelMap(made), 20), made)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(-1.5, 1.5), st.floats(0.5, 4), st.floats(0.1, 1.5))
def test_cameras_and_orbits_are_each_others_inverse(a: float, e: float, distance: float, fov: float) -> None:
    orbit = Orbit(a, e, distance, fov=fov)
    camera = orbit.camera()
    again = Orbit.of_camera(camera)
    assert again.near(orbit)
    assert np.allclose(again.camera().cam2world, camera.cam2world, atol=1e-4)
    assert np.allclose(np.linalg.inv(camera.cam2world), orbit.view_matrix(), atol=1e-4)


def test_parts_are_seen_in_their_colours() -> None:
    view = View(Orbit(), Image(np.zeros((1, 3, 4), np.uint8)), LabelMap(np.array([[0, 1, 2]], np.uint16)))
    coloured = view.coloured(PALETTE)
    assert coloured is not None
    assert coloured.tolist() == [[[255, 255, 255, 0], [204, 0, 0, 255], [76, 153, 0, 255]]]
    assert View(Orbit(), view.image).coloured(PALETTE) is None
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    mesh = Mesh(vertices, faces, face_labels=np.array([1, 2], np.uint16))
    made = face_coloured(mesh, PALETTE)
    assert made.colours is not None
    assert made.colours[:, :3].tolist() == [[204, 0, 0]] * 3 + [[76, 153, 0]] * 3
    assert np.array_equal(made.vertices[made.faces], vertices[faces])
    assert face_coloured(made, PALETTE) is made
