"""The ways a picture comes in, and what is said when it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from desktop_gui.qimages import load_picture, pyramid, qimage_of
from protocol import ProblemError

from .driving import LEFT, NONE, Driver
from .test_connection import free_port

Opener = Callable[..., Driver]


@pytest.fixture
def driver(open_window: Opener) -> Driver:
    """A window without a server: opening needs none."""
    return open_window(f"tcp://127.0.0.1:{free_port()}")


def _photo(path: Path, size: tuple[int, int] = (90, 60)) -> Path:
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), np.uint8)).save(path)
    return path


def _drop(widget: QWidget, path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    copy, at = Qt.DropAction.CopyAction, widget.rect().center()
    QApplication.sendEvent(widget, QDragEnterEvent(at, copy, mime, LEFT, NONE))
    QApplication.sendEvent(widget, QDropEvent(QPointF(at), copy, mime, LEFT, NONE))


def test_drop_on_the_start_page_and_on_the_canvas(driver: Driver, tmp_path: Path) -> None:
    _drop(driver.window.start_page, _photo(tmp_path / "one.png"))
    driver.wait(lambda: driver.window.in_workspace, "the first picture is open")
    assert driver.document.picture.size == (90, 60)
    _drop(driver.window.workspace.canvas, _photo(tmp_path / "two.jpg", (40, 80)))
    driver.wait(lambda: driver.document.picture.name == "two", "the second picture is open")
    assert driver.window.windowTitle().startswith("two")


def test_recent_pictures_are_one_click_away(driver: Driver, open_window: Opener, tmp_path: Path) -> None:
    driver.window.open_picture(_photo(tmp_path / "mug.png"))
    driver.wait(lambda: driver.window.in_workspace, "the picture is open")
    driver.close()
    again = open_window(f"tcp://127.0.0.1:{free_port()}")
    again.turn(0.1)
    (link,) = [b for b in again.window.start_page.findChildren(QPushButton) if b.text() == "mug.png"]
    again.press(link)
    again.wait(lambda: again.window.in_workspace, "the picture is open again")


def test_pictures_are_pasted(driver: Driver) -> None:
    pasted = QImage(30, 20, QImage.Format.Format_RGB32)
    pasted.fill(Qt.GlobalColor.red)
    QApplication.clipboard().setImage(pasted)
    driver.window.actions_by_name["paste"].trigger()
    driver.wait(lambda: driver.window.in_workspace, "the picture is open")
    assert driver.document.picture.name == "pasted"
    assert driver.document.picture.pixels[5, 5].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["missing", "text", "cut"])
def test_what_is_no_picture_is_said(driver: Driver, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd.png"
    if kind == "text":
        path.write_text("no picture")
    elif kind == "cut":
        path.write_bytes(_photo(tmp_path / "good.png").read_bytes()[:40])
    driver.window.open_picture(path)
    driver.wait(lambda: "odd.png" in driver.window.messages.text, "the window says what is wrong")
    assert not driver.window.in_workspace


def test_pictures_are_upright_srgb_without_alpha(application: QApplication, tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    PIL.Image.new("RGB", (40, 20), (10, 20, 30)).save(tmp_path / "turned.jpg", exif=exif)
    assert load_picture(tmp_path / "turned.jpg").size == (20, 40)
    PIL.Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert load_picture(tmp_path / "clear.png").pixels[0, 0].tolist() == [255, 255, 255]
    PIL.Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(tmp_path / "deep.png")
    assert load_picture(tmp_path / "deep.png").pixels.dtype == np.uint8


def test_huge_pictures_are_refused_before_they_are_read(application: QApplication, tmp_path: Path) -> None:
    PIL.Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    with pytest.raises(ProblemError, match="20,000 x 20,000"):
        load_picture(tmp_path / "huge.png")


def test_a_large_picture_is_drawn_from_its_halves(application: QApplication) -> None:
    levels = pyramid(qimage_of(np.zeros((1500, 4000, 3), np.uint8)))
    assert [level.width() for level in levels] == [4000, 2000, 1000]
