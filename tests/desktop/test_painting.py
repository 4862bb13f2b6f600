"""From painted labels to a saved mesh, with mouse and keys, in a real window, against a real server process whose model
makes an exact ball of each part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import trimesh
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from backend.serving.embedded import EmbeddedServer
from desktop_gui.net.connection import Request
from desktop_gui.qimages import pixels_of
from desktop_gui.state.servers import ServerChoice
from protocol.labels import painted

from ..unit.tiny_labelled import LABELS
from .driving import CONTROL, LEFT, NONE, RIGHT, SHIFT
from .painter import MODEL, Opener, Painter
from .test_connection import free_port


def test_paint_turn_edit_and_save(painter: Painter, tmp_path: Path) -> None:
    driver, window = painter.driver, painter.window
    assert list(painter.document.palette) == LABELS
    assert [button.text() for button in window.labels.buttons] == [label.name for label in LABELS]
    assert "Paint" in window.object_panel.field.words
    painter.key(Qt.Key.Key_1)
    painter.window.painting.set_size(14)
    painter.stroke((16, 30), (20, 30))
    first = painter.follows()
    assert painter.seen().any()
    assert np.array_equal(np.unique(painter.document.ids), [0, 1])
    painter.key(Qt.Key.Key_3)
    painter.stroke((46, 30), (46, 30))
    flat = painter.follows()
    assert flat.field.id != first.field.id
    assert set(np.unique(flat.labels.ids)) == {0, 1, 3}

    home = painter.orbiting.orbit
    painter.turn(QPoint(120, 30))
    painter.fine()
    assert not painter.orbiting.orbit.near(home)
    coloured = window.object_panel.field.image
    painter.key(Qt.Key.Key_L)
    labelled = window.object_panel.field.image
    assert coloured is not None
    assert labelled is not None
    shown = {tuple(colour) for colour in pixels_of(labelled)[..., :3][painter.seen()].tolist()}
    assert shown <= {label.colour for label in painter.document.palette}
    assert labelled != coloured

    before = painter.document.current
    driver.press(window.object_panel.edit)
    driver.wait(lambda: painter.document.current is not before, "the labels of this side are on the canvas")
    edited = painter.document.current
    assert edited.camera is not None
    assert edited.base is not None
    assert edited.base.id == flat.field.id
    assert not np.array_equal(edited.ids, before.ids)
    painter.follows()
    painter.key(Qt.Key.Key_2)
    painter.stroke((5, 5), (12, 5))
    again = painter.follows()
    assert np.allclose(again.camera.cam2world, edited.camera.cam2world, atol=1e-5)
    assert 2 in again.labels.ids
    painter.key(Qt.Key.Key_Z, CONTROL)
    painter.key(Qt.Key.Key_Z, CONTROL)
    assert painter.document.current is before
    back = painter.follows()
    assert np.allclose(back.camera.cam2world, flat.camera.cam2world)
    assert painter.orbiting.orbit.near(home), "the camera comes back with the map"
    painter.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    painter.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    painter.follows()

    driver.press(window.label_page.bar.make_mesh)
    driver.wait(lambda: painter.labelling.mesh is not None, "the mesh is made")
    viewer = window.object_panel.mesh_view.viewer
    driver.wait(lambda: viewer.geometry_shown is not None, "the mesh is shown")
    assert viewer.isVisible()
    driver.press(window.object_panel.mesh_view.shot)
    driver.save_as(tmp_path / "mesh.png")
    driver.saved("mesh.png")
    assert PIL.Image.open(tmp_path / "mesh.png").mode == "RGB"
    driver.save("save_label_mesh", tmp_path / "car.glb")
    driver.saved("car.glb")
    scene: Any = trimesh.load(tmp_path / "car.glb")
    assert {geometry.visual.material.name for geometry in scene.geometry.values()} == {"body", "window", "wheel"}
    driver.save("save_colours", tmp_path / "map.png")
    driver.saved("map.png")
    driver.save("save_ids", tmp_path / "ids.png")
    driver.saved("ids.png")
    assert np.array_equal(np.asarray(PIL.Image.open(tmp_path / "ids.png")), painter.document.ids)
    colours = np.asarray(PIL.Image.open(tmp_path / "map.png").convert("RGB"))
    assert np.array_equal(colours, painted(painter.document.ids, painter.document.palette))


def test_tools_and_keys(painter: Painter) -> None:
    painter.key(Qt.Key.Key_1)
    size = painter.window.label_page.brush.size
    painter.key(Qt.Key.Key_BracketRight)
    assert painter.window.label_page.brush.size > size
    painter.key(Qt.Key.Key_BracketLeft)
    assert painter.window.label_page.brush.size <= size + 1
    painter.stroke((10, 32), (54, 32))
    assert painter.document.ids[32, 30] == 1
    painter.key(Qt.Key.Key_E)
    painter.stroke((30, 20), (30, 44))
    assert painter.document.ids[32, 30] == 0
    painter.key(Qt.Key.Key_2)
    painter.key(Qt.Key.Key_G)
    painter.stroke((12, 32), (12, 32))
    assert painter.document.ids[32, 15] == 2
    assert painter.document.ids[32, 50] == 1
    painter.key(Qt.Key.Key_B)
    painter.stroke((45, 32), (50, 32), RIGHT)
    assert painter.document.ids[32, 48] == 0, "the right button erases"
    before = painter.document.current
    scale = painter.canvas.view.scale
    QTest.keyPress(painter.canvas, Qt.Key.Key_Space)
    painter.stroke((20, 20), (30, 30))
    QTest.keyRelease(painter.canvas, Qt.Key.Key_Space)
    assert painter.document.current is before, "Space moves the sheet"
    painter.canvas.zoom(2.0)
    painter.key(Qt.Key.Key_F)
    assert painter.canvas.view.scale == scale
    QTest.mousePress(painter.canvas, LEFT, NONE, painter.place(5, 5))
    assert painter.document.painting
    painter.key(Qt.Key.Key_Escape)
    QTest.mouseRelease(painter.canvas, LEFT, NONE, painter.place(5, 5))
    assert painter.document.current is before
    painter.follows()
    painter.window.actions_by_name["label_clear"].trigger()
    painter.driver.wait(lambda: painter.labelling.made is None, "nothing is shown of an empty sheet")
    painter.key(Qt.Key.Key_Z, CONTROL)
    painter.follows()


def test_only_the_newest_is_made_and_one_at_a_time(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = painter.window.studio.connection
    asked: list[Request] = []
    submit = connection.submit

    def watched(request: Request) -> str:
        if request.task in ("synthesize", "edit"):
            assert not any(connection.is_open(earlier.job_id) for earlier in asked), "two at once"
            asked.append(request)
        return submit(request)

    monkeypatch.setattr(connection, "submit", watched)
    painter.key(Qt.Key.Key_1)
    for number in range(6):
        painter.stroke((8 + 8 * number, 30), (10 + 8 * number, 30))
        painter.driver.turn(0.05 if number % 2 else 0.3)
    painter.follows()
    assert len(asked) < 6
    last = asked[-1].inputs["label_map"]
    assert last == painter.document.current.label_map
    asked.clear()
    painter.key(Qt.Key.Key_N)
    made = painter.follows()
    assert made.drawing.seed == 1
    assert [request.parameters["seed"] for request in asked] == [1]


def test_turning_shows_the_newest_view(painter: Painter) -> None:
    painter.key(Qt.Key.Key_1)
    painter.stroke((16, 30), (20, 30))
    painter.follows()
    sent: list[int] = []
    connection = painter.window.studio.connection
    submit = connection.submit
    connection.submit = lambda request: sent.append(request.parameters["size"]) or submit(request)
    for step in range(60):
        painter.orbiting.move(replace(painter.orbiting.orbit, azimuth=0.05 * step))
    painter.fine()
    assert sent[-1] == 256
    assert sent[0] < 256
    assert len(sent) <= 3, "views that were overtaken are not asked for"
    assert painter.orbiting.shown is not None
    assert painter.orbiting.shown.orbit.azimuth == pytest.approx(0.05 * 59)
    painter.orbiting.reset()
    assert painter.orbiting.orbit.near(painter.orbiting.home)


@pytest.mark.parametrize("what", ["view", "edit", "mesh"])
def test_a_lost_field_is_made_again_without_a_word(painter: Painter, what: str) -> None:
    driver, labelling = painter.driver, painter.labelling
    painter.key(Qt.Key.Key_1)
    painter.stroke((16, 30), (20, 30))
    lost = painter.follows()
    painter.turn(QPoint(60, 0))
    painter.fine()
    if what == "edit":
        painter.orbiting.edit_from_here()
        driver.wait(lambda: painter.document.current.base is not None, "the labels of this side are on the canvas")
        lost = painter.follows()
        painter.window.studio.connection.release(painter.document.bases.popitem()[1])
        painter.stroke((50, 50), (55, 50))
    else:
        painter.window.studio.connection.release(lost.field)
    driver.turn(0.2)
    if what == "view":
        painter.turn(QPoint(40, 0))
    elif what == "mesh":
        painter.window.painting.make_mesh()
        driver.wait(lambda: labelling.mesh is not None, "the mesh of the renewed field is here")
    driver.wait(lambda: labelling.made is not None and labelling.made is not lost, "it is made again")
    painter.follows()
    if what == "view":
        painter.fine()
    assert not painter.window.messages.text


def test_another_server_goes_on(painter: Painter) -> None:
    connection = painter.window.studio.connection
    painter.key(Qt.Key.Key_1)
    painter.stroke((16, 30), (20, 30))
    painter.driver.wait(lambda: painter.labelling.entry is not None, "it is asked for")
    connection.use(ServerChoice("the same by another name", connection.choice.address))
    painter.follows()
    painter.turn(QPoint(60, 0))
    painter.fine()


def test_what_fails_is_said_and_tried_again(painter: Painter) -> None:
    painter.key(Qt.Key.Key_1)
    painter.labelling.set_quality("splendid")
    painter.stroke((16, 30), (20, 30))
    painter.driver.wait(lambda: painter.window.messages.topic == "labels", "the window says what is wrong")
    assert painter.labelling.made is None
    assert not painter.labelling.busy
    painter.labelling.quality = ""
    (again,) = [each for each in painter.window.messages.findChildren(QPushButton) if each.text() == "Try again"]
    painter.driver.press(again)
    painter.follows()
    assert not painter.window.messages.text


def test_label_maps_are_opened_and_refused(painter: Painter, tmp_path: Path) -> None:
    ids = np.zeros((32, 32), np.uint8)
    ids[8:20, 8:20] = 3
    PIL.Image.fromarray(ids).save(tmp_path / "wheel.png")
    painter.window.painting.open_file(tmp_path / "wheel.png")
    painter.driver.wait(lambda: painter.document.name == "wheel", "the label map is open")
    assert painter.document.model == MODEL
    assert painter.document.ids[32, 32] == 3
    painter.follows()
    PIL.Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(tmp_path / "photo.png")
    painter.window.painting.open_file(tmp_path / "photo.png")
    painter.driver.wait(lambda: "#636363" in painter.window.messages.text, "the window says what is wrong")
    assert painter.document.name == "wheel"
    painter.window.painting.open_file(tmp_path / "wheel.png")
    painter.window.painting.open_blank()
    painter.driver.turn(0.3)
    assert painter.document.current.empty, "what was asked for last is open"


def test_a_file_that_is_no_label_map_leaves_a_sheet_to_paint_on(
    open_window: Opener, ball_server: EmbeddedServer, tmp_path: Path
) -> None:
    driver = open_window(ball_server.address).connected()
    (tmp_path / "words.png").write_text("words")
    driver.window.painting.open_file(tmp_path / "words.png")
    driver.wait(lambda: "words.png" in driver.window.messages.text, "the window says what is wrong")
    assert driver.window.pages.in_labels
    assert driver.window.studio.labelling.document is not None


def test_without_a_server_the_sheet_waits(open_window: Opener) -> None:
    driver = open_window(f"tcp://127.0.0.1:{free_port()}")
    driver.press(driver.window.start_page.blank_button)
    driver.turn(0.1)
    assert driver.window.pages.in_labels
    assert "server" in driver.window.label_page.canvas.hint
    assert driver.window.studio.labelling.document is None


def test_a_server_without_such_a_model_says_so(open_window: Opener, ball_server: EmbeddedServer) -> None:
    driver = open_window(ball_server.address).connected()
    catalogue = driver.window.studio.connection.catalogue
    assert catalogue is not None
    none = [model for model in catalogue.models if "synthesize" not in model.tasks]
    driver.window.painting.set_catalogue(type(catalogue)(catalogue.tasks, none))
    driver.turn(0.05)
    assert not driver.window.start_page.blank_button.isEnabled()
    driver.window.enter_labels()
    driver.turn(0.05)
    assert "no model that paints" in driver.window.label_page.canvas.hint
    driver.window.actions_by_name["start_page"].trigger()
    assert driver.window.pages.at_start
