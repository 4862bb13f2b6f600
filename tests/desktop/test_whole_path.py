"""From the start page to saved files, with the mouse, in a real window, against a real server process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import trimesh
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from backend.serving.embedded import EmbeddedServer
from desktop_gui.canvas.canvas import Show

from .driving import CONTROL, CUP, SAUCER, SHIFT, TABLE, Driver

Opener = Callable[..., Driver]


def test_open_click_run_orbit_save(open_window: Opener, server: EmbeddedServer, tmp_path: Path) -> None:
    driver = open_window(server.address).connected()
    driver.pulse.start()
    driver.open_example()
    driver.click(CUP)
    driver.pointed()
    assert driver.document.mask is not None
    assert driver.document.mask.pixels[int(CUP[1]), int(CUP[0])] == 255

    driver.run()
    stages: set[str] = set()
    driver.wait(lambda: stages.add(driver.stage) or driver.document.result is not None, "the result is here", 120)
    driver.finished()
    assert len(stages - {""}) > 2, stages
    assert driver.window.workspace.show_choice.value() == Show.WHOLE.value
    assert len(driver.window.samples.cards) == len(driver.result.samples) == 3
    assert driver.window.view.viewer.turning

    viewer = driver.window.view.viewer
    before = viewer.picture()
    azimuth = viewer.orbit.azimuth
    driver.drag(viewer, QPoint(120, 150), QPoint(220, 180))
    assert not viewer.turning
    assert abs(viewer.orbit.azimuth - azimuth) > 0.5
    assert viewer.picture() != before
    far = viewer.orbit.distance
    driver.window.view.reset.click()
    assert viewer.orbit.distance <= far

    driver.save("save_picture", tmp_path / "coffee-whole.png")
    driver.saved("coffee-whole.png")
    driver.save("save_masks", tmp_path / "coffee-modal-mask.png")
    driver.saved("coffee-amodal-mask.png")
    driver.save("save_mesh", tmp_path / "coffee.glb")
    driver.saved("coffee.glb")
    driver.pulse.check()

    completed = np.asarray(PIL.Image.open(tmp_path / "coffee-whole.png"))
    assert completed.shape == (400, 600, 4)
    assert completed[int(CUP[1]), int(CUP[0]), 3] == 255
    modal = np.asarray(PIL.Image.open(tmp_path / "coffee-modal-mask.png"))
    amodal = np.asarray(PIL.Image.open(tmp_path / "coffee-amodal-mask.png"))
    assert set(np.unique(modal)) == set(np.unique(amodal)) == {0, 255}
    scene: Any = trimesh.load(tmp_path / "coffee.glb")
    (mesh,) = scene.geometry.values()
    assert len(mesh.faces) > 5000
    assert np.abs(scene.bounds).max() <= 0.51
    assert mesh.visual.material.baseColorTexture is not None


def test_everything_into_a_folder(open_window: Opener, server: EmbeddedServer, tmp_path: Path) -> None:
    driver = open_window(server.address).connected().open_example()
    driver.window.workspace.bar.parameters.set_values({"quality": "draft", "samples": 1, "faces": 5000})
    driver.run()
    driver.finished()
    folder = tmp_path / "out"
    folder.mkdir()
    driver.save("save_all", folder)
    driver.saved("coffee.obj")
    written = {path.name for path in folder.iterdir()}
    assert {"coffee.glb", "coffee.ply", "coffee.obj", "coffee.mtl", "coffee-whole.png"} <= written
    coloured: Any = trimesh.load(folder / "coffee.ply")
    assert coloured.visual.kind == "vertex"
    textured: Any = trimesh.load(folder / "coffee.obj")
    assert textured.visual.material.image is not None


def test_points_add_and_take_away(open_window: Opener, server: EmbeddedServer) -> None:
    driver = open_window(server.address).connected().open_example()
    driver.click(CUP)
    driver.click(SAUCER, SHIFT)
    driver.click(TABLE, CONTROL)
    driver.click((40.0, 380.0), button=Qt.MouseButton.RightButton)
    prompts = driver.document.prompts
    assert [point.positive for point in prompts.current.points] == [True, True, False, False]
    assert abs(prompts.current.points[1].x - SAUCER[0]) < 1.5
    driver.pointed()
    QTest.keyClick(driver.window.workspace.canvas, Qt.Key.Key_Z, CONTROL)
    assert len(prompts.current.points) == 3
    QTest.keyClick(driver.window.workspace.canvas, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert len(prompts.current.points) == 4
    driver.pointed()
    QTest.keyClick(driver.window.workspace.canvas, Qt.Key.Key_Escape)
    driver.turn(0.1)
    assert prompts.current.empty
    assert driver.document.mask is None


def test_a_box_points_too(open_window: Opener, server: EmbeddedServer) -> None:
    driver = open_window(server.address).connected().open_example()
    canvas = driver.window.workspace.canvas
    driver.drag(canvas, driver.place((90.0, 20.0)), driver.place((500.0, 390.0)))
    box = driver.document.prompts.current.box
    assert box is not None
    assert abs(box.x0 - 90) < 2
    assert abs(box.y1 - 390) < 2
    driver.pointed()
    assert driver.document.mask is not None
    inside = driver.document.mask.inside
    assert inside[20:390, 90:500].sum() > 0.95 * inside.sum()


def test_newest_click_counts(open_window: Opener, server: EmbeddedServer) -> None:
    """Ten clicks in a row: the mask that stays is the answer to the last."""
    driver = open_window(server.address).connected().open_example()
    for step in range(10):
        driver.click((CUP[0] - 40 + step * 8, CUP[1]))
        driver.turn(0.03)
    driver.pointed()
    last = driver.document.prompts.current.points
    assert len(last) == 1
    with server.client() as client:
        expected = client.segment(driver.document.picture.image, [(last[0].x, last[0].y)]).result(60)
    driver.turn(0.5)
    assert driver.document.mask == expected.mask


def test_zoom_stays_at_the_cursor_and_space_pans(open_window: Opener, server: EmbeddedServer) -> None:
    driver = open_window(server.address).connected().open_example()
    canvas = driver.window.workspace.canvas
    before = canvas.view
    place = driver.place(CUP)
    QTest.wheelEvent(canvas.window().windowHandle(), canvas.mapTo(canvas.window(), place), QPoint(0, 240))
    driver.turn()
    assert canvas.view.scale > before.scale * 1.2
    assert abs(driver.place(CUP).x() - place.x()) <= 1
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    driver.drag(canvas, place, place + QPoint(60, 30))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert abs(driver.place(CUP).x() - place.x() - 60) <= 1
    assert driver.document.prompts.current.empty
    QTest.keyClick(canvas, Qt.Key.Key_F)
    driver.turn()
    assert canvas.view == before
