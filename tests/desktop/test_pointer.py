"""The window under the real pointer of the X server, moved and clicked by xdotool."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from backend.serving.embedded import EmbeddedServer

from .driving import CUP, Driver

pytestmark = pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed")


def _xdotool(*words: object) -> None:
    subprocess.run(["xdotool", *map(str, words)], check=True, timeout=10)


def _go(widget: QWidget, place: QPoint) -> None:
    at = widget.mapToGlobal(place)
    _xdotool("mousemove", at.x(), at.y())


def test_hover_click_and_wheel(open_window: Callable[..., Driver], server: EmbeddedServer) -> None:
    driver = open_window(server.address).connected().open_example()
    window, canvas = driver.window, driver.window.workspace.canvas
    hovered = []
    window.studio.pointing.hover_changed.connect(lambda mask: hovered.append(mask))
    _go(canvas, driver.place((CUP[0] - 30, CUP[1])))
    driver.turn(0.1)
    _go(canvas, driver.place(CUP))
    driver.wait(lambda: any(mask is not None for mask in hovered), "what a click would take is shown")
    assert driver.document.mask is None
    _xdotool("click", 1)
    driver.wait(lambda: len(driver.document.prompts.current.points) == 1, "the click has arrived")
    driver.pointed()
    scale = canvas.view.scale
    _xdotool("click", 4)
    driver.wait(lambda: canvas.view.scale > scale, "the wheel zooms")
    _xdotool("keydown", "shift", "click", 1, "keyup", "shift")
    driver.wait(lambda: len(driver.document.prompts.current.points) == 2, "Shift adds")
    _go(window.workspace.bar.make_whole, window.workspace.bar.make_whole.rect().center())
    _xdotool("click", 1)
    driver.wait(lambda: window.studio.running is not None, "the button was pressed")
    driver.finished()
    viewer = window.view.viewer
    azimuth = viewer.orbit.azimuth
    _go(viewer, QPoint(100, 150))
    _xdotool("mousedown", 1)
    _go(viewer, QPoint(180, 150))
    driver.wait(lambda: abs(viewer.orbit.azimuth - azimuth) > 0.3, "the object turns with the mouse")
    _xdotool("mouseup", 1)
