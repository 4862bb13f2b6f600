"""A window on the page where labels are painted, and a server whose model makes an exact ball of each part."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from backend.serving.embedded import EmbeddedServer
from desktop_gui.state.drawing import LabelDocument
from desktop_gui.state.labelled import Made

from .driving import LEFT, NONE, Driver

Opener = Callable[..., Driver]
MODEL = "balls"


@pytest.fixture(scope="session")
def ball_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server with the model of tests/unit/tiny_labelled.py."""
    here = Path(__file__).parent
    path = os.pathsep.join([str(here / "ball_server"), str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    with contextlib.ExitStack() as stack:
        # This server alone has that model, not what other tests start while it runs.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", path)
            running = stack.enter_context(EmbeddedServer(tmp_path_factory.mktemp("balls"), start_s=120))
        yield running


class Painter:
    """A driver on the page where labels are painted."""

    def __init__(self, driver: Driver) -> None:
        self.driver, self.window = driver, driver.window
        self.labelling, self.orbiting = driver.window.studio.labelling, driver.window.studio.orbiting
        self.canvas = driver.window.label_page.canvas

    @property
    def document(self) -> LabelDocument:
        assert self.labelling.document is not None
        return self.labelling.document

    @property
    def made(self) -> Made:
        assert self.labelling.made is not None
        return self.labelling.made

    def place(self, x: float, y: float) -> QPoint:
        left, top = self.canvas.view.to_widget(x, y)
        return QPoint(round(left), round(top))

    def stroke(self, start: tuple[float, float], end: tuple[float, float], button: Qt.MouseButton = LEFT) -> None:
        self.driver.drag(self.canvas, self.place(*start), self.place(*end), button)

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.canvas, key, modifiers)
        self.driver.turn(0.02)

    def follows(self) -> Made:
        """Wait until the object shows the drawing."""
        self.driver.wait(
            lambda: self.labelling.made is not None and self.labelling.made.drawing is self.document.current,
            "the object follows the labels",
        )
        self.driver.wait(lambda: not self.labelling.busy, "nothing more is asked")
        return self.made

    def turn(self, by: QPoint) -> None:
        middle = self.window.object_panel.field.rect().center()
        self.driver.drag(self.window.object_panel.field, middle, middle + by)

    def seen(self) -> np.ndarray:
        """bool H x W: where there is something in the view shown."""
        assert self.orbiting.shown is not None
        return self.orbiting.shown.image.pixels[..., 3] > 0

    def fine(self) -> None:
        self.driver.wait(
            lambda: (
                self.orbiting.shown is not None
                and not self.orbiting.shown.coarse
                and self.orbiting.shown.orbit.near(self.orbiting.orbit)
            ),
            "a fine view is shown",
        )


@pytest.fixture
def painter(open_window: Opener, ball_server: EmbeddedServer) -> Painter:
    """A blank sheet for the balls."""
    driver = open_window(ball_server.address).connected()
    driver.press(driver.window.start_page.blank_button)
    made = Painter(driver)
    driver.wait(lambda: made.labelling.document is not None, "a sheet lies there")
    driver.window.painting.choose_model(MODEL)
    driver.turn(0.1)
    assert made.document.model == MODEL
    assert made.document.size == (64, 64)
    return made
