"""Label maps that were painted are there again: after a restart, on a slow disk, with another server."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QPushButton

from backend.serving.embedded import EmbeddedServer
from desktop_gui.state import paintings

from .painter import MODEL, Opener, Painter


def test_what_was_painted_is_there_after_a_restart(
    painter: Painter, open_window: Opener, ball_server: EmbeddedServer, folders: Path
) -> None:
    painter.stroke((20, 32), (40, 32))
    painter.key(Qt.Key.Key_2)
    painter.stroke((32, 20), (32, 24))
    painter.follows()
    painter.labelling.new_style()
    painter.follows()
    painter.turn(QPoint(60, 0))
    painter.fine()
    painter.window.object_panel.edit.click()
    painter.driver.wait(lambda: painter.document.current.camera is not None, "the labels of that side lie there")
    ids, camera, key = painter.document.ids.copy(), painter.document.current.camera, painter.document.id
    assert camera is not None
    painter.driver.close()  # before the second is over
    again = Painter(open_window(ball_server.address))
    page = again.window.start_page
    again.driver.wait(lambda: page.findChildren(QPushButton, "link"), "the painting is offered")
    link = page.findChildren(QPushButton, "link")[0]
    assert link.text().startswith("object")
    again.driver.press(link)
    again.driver.wait(lambda: again.labelling.document is not None, "the painting lies there")
    assert again.document.id == key
    assert again.document.model == MODEL
    assert np.array_equal(again.document.ids, ids)
    assert again.document.current.seed == 1
    assert again.document.current.camera is not None
    assert np.array_equal(again.document.current.camera.cam2world, camera.cam2world)
    assert np.array_equal(again.document.current.camera.intrinsics, camera.intrinsics)
    again.follows()
    # It goes on under the same name, and shows what it is now.
    again.stroke((10, 10), (10, 50))
    painted_on = again.document.ids.copy()
    kept = folders / "config" / "desktop" / "paintings" / f"{key}.png"
    again.driver.wait(lambda: np.array_equal(np.array(PIL.Image.open(kept)), painted_on), "the change is kept")
    assert [each.id for each in again.window.studio.keeping.paintings] == [key]
    # The one in work is shown, not read again.
    again.window.actions_by_name["start_page"].trigger()
    document = again.document
    again.driver.press(page.findChildren(QPushButton, "link")[0])
    assert again.document is document
    assert again.window.pages.in_labels


def test_a_painting_for_another_server_says_so(
    painter: Painter, monkeypatch: pytest.MonkeyPatch, folders: Path
) -> None:
    painter.stroke((20, 32), (40, 32))
    keeping = painter.window.studio.keeping
    painter.driver.wait(lambda: keeping.paintings, "it is kept")
    keeping.paintings[0].model, keeping.paintings[0].id = "seg2unicorn", "elsewhere"
    before = painter.document
    painter.window.painting.open_kept("elsewhere")
    assert "seg2unicorn" in painter.window.messages.text
    assert "elsewhere.png" in painter.window.messages.text
    assert painter.document is before
    painter.window.painting.open_kept("gone")
    assert painter.document is before


def test_the_newest_is_what_is_kept_however_slow_the_disk(
    painter: Painter, monkeypatch: pytest.MonkeyPatch, folders: Path
) -> None:
    write, begun, go_on = paintings.write, threading.Event(), threading.Event()

    def slow(*of: Any) -> None:
        if not begun.is_set():
            begun.set()
            assert go_on.wait(30)
        write(*of)

    monkeypatch.setattr(paintings, "write", slow)
    painter.stroke((20, 32), (40, 32))
    painter.driver.wait(begun.is_set, "the first is being written")
    painter.stroke((10, 10), (10, 50))
    ids, key = painter.document.ids.copy(), painter.document.id
    threading.Timer(0.5, go_on.set).start()
    painter.driver.close()
    kept = folders / "config" / "desktop" / "paintings" / f"{key}.png"
    assert np.array_equal(np.array(PIL.Image.open(kept)), ids)


def test_sheets_and_examples_that_nobody_changed_are_not_kept(painter: Painter, folders: Path) -> None:
    painter.window.painting.open_example()
    painter.driver.wait(lambda: painter.labelling.document is not None, "a sheet lies there")
    painter.driver.turn(1.3)
    assert not painter.window.studio.keeping.paintings
    assert not (folders / "config" / "desktop" / "paintings").exists()
