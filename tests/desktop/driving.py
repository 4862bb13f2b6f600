"""Drives a real window with mouse and keys, and watches that its event loop never stands still."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit, QWidget

from desktop_gui.panels.command_palette import CommandPalette
from desktop_gui.panels.connection_dialog import ConnectionDialog
from desktop_gui.state.document import Document
from desktop_gui.state.results import Result
from desktop_gui.state.servers import ServerChoice, ServerSettings
from desktop_gui.window import MainWindow
from protocol import ConnectionState

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
ACCEPT = QDialogButtonBox.ButtonRole.AcceptRole
# Fields of the example picture.
CUP = (300.0, 150.0)
SAUCER = (180.0, 250.0)
TABLE = (560.0, 60.0)


class Pulse:
    """The longest times, in seconds, in which the event loop did not come round: by the clock, and in work of its own
    thread, which is what stands still on a machine that others do not use as well."""

    def __init__(self) -> None:
        self.longest = self.longest_work = 0.0
        self._at = self._worked = 0.0
        self._timer = QTimer(interval=5)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        self.longest = self.longest_work = 0.0
        self._at, self._worked = time.perf_counter(), time.thread_time()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def check(self) -> None:
        """Fail if the loop stood still. Software OpenGL paints the window here, which a graphics card does in no time,
        so this allows more than a person would notice as a pause; waiting for the network takes far longer."""
        crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)) if hasattr(os, "getloadavg") else 1.0
        said = (
            f"{self.longest * 1000:.0f} ms by the clock, {self.longest_work * 1000:.0f} ms of work, crowd {crowd:.1f}"
        )
        assert self.longest_work < 0.15, f"the event loop stood still: {said}"
        assert self.longest < 0.25 * crowd, f"the event loop stood still: {said}"

    def _beat(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, now - self._at)
        self.longest_work = max(self.longest_work, worked - self._worked)
        self._at, self._worked = now, worked


class Driver:
    """One window. An empty ``address`` means the server on this computer."""

    def __init__(
        self, application: QApplication, address: str = "", *, server_key: str = "", theme: str = "dark"
    ) -> None:
        self._application = application
        self.window = MainWindow()
        self.window.set_theme(theme)
        self.window.resize(1280, 720)
        self.window.show()
        self.pulse = Pulse()
        self._closed = False
        if address:
            self.window.start(ServerSettings([ServerChoice("test server", address, server_key)], "test server"))
        else:
            self.window.start()
        self.wait(lambda: self.window.windowHandle().isExposed(), "the window is on the screen")
        self.window.activateWindow()  # without a window manager nobody else does
        self.wait(self.window.isActiveWindow, "the window takes keys")

    # --- waiting ---

    def turn(self, seconds: float = 0.0) -> None:
        """Let the event loop run. Other threads get the interpreter in between, as they do in `exec`."""
        end = time.monotonic() + seconds
        while True:
            self._application.processEvents()
            # What deleteLater marked goes only inside `exec`, unless asked for.
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            if time.monotonic() >= end:
                return
            time.sleep(0.002)

    def wait(self, condition: Callable[[], object], what: str, timeout: float = 60.0) -> None:
        """Run the event loop until ``condition``; fails naming ``what`` after ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while not condition():
            self.turn(0.005)
            if time.monotonic() > end:
                seen = f"connection {self.state.value}, message “{self.window.messages.text}”"
                raise AssertionError(f"not within {timeout:g} s: {what}; {seen}")

    # --- what there is to see ---

    @property
    def state(self) -> ConnectionState:
        return self.window.studio.connection.state

    @property
    def document(self) -> Document:
        assert self.window.studio.document is not None
        return self.window.studio.document

    @property
    def result(self) -> Result:
        assert self.document.result is not None
        return self.document.result

    @property
    def stage(self) -> str:
        return self.window.workspace.bar.stage_text

    def picture(self) -> QImage:
        """The whole window as it looks now."""
        self.turn(0.15)
        return self.window.grab().toImage()

    # --- what a person does ---

    def connected(self) -> Driver:
        self.wait(lambda: self.state is ConnectionState.CONNECTED, "connected")
        self.wait(lambda: self.window.studio.connection.catalogue is not None, "the catalogue is here")
        return self

    def press(self, widget: QWidget, at: QPoint | None = None, keys: Qt.KeyboardModifier = NONE) -> None:
        QTest.mouseClick(widget, LEFT, keys, at if at is not None else widget.rect().center())

    def open_example(self) -> Driver:
        self.press(self.window.start_page.example_button)
        self.wait(lambda: self.window.in_workspace, "the example is open")
        self.turn(0.1)
        return self

    def place(self, position: tuple[float, float]) -> QPoint:
        """A position in the picture as one in the canvas."""
        x, y = self.window.workspace.canvas.view.to_widget(*position)
        return QPoint(round(x), round(y))

    def click(
        self, position: tuple[float, float], keys: Qt.KeyboardModifier = NONE, button: Qt.MouseButton = LEFT
    ) -> None:
        QTest.mouseClick(self.window.workspace.canvas, button, keys, self.place(position))

    def drag(self, widget: QWidget, start: QPoint, end: QPoint, button: Qt.MouseButton = LEFT) -> None:
        QTest.mousePress(widget, button, NONE, start)
        for step in range(1, 9):
            QTest.mouseMove(widget, start + (end - start) * step / 8, 5)
            self.turn()
        QTest.mouseRelease(widget, button, NONE, end)
        self.turn()

    def pointed(self) -> None:
        """Wait until the mask answers the prompts."""
        self.wait(lambda: self.document.mask is not None and not self.document.mask_stale, "the mask is here")
        self.turn(0.2)

    def run(self) -> None:
        self.press(self.window.workspace.bar.make_whole)
        self.wait(lambda: self.window.studio.running is not None, "a job was made")

    def finished(self, timeout: float = 120.0) -> None:
        self.wait(lambda: self.document.result is not None, "the result is here", timeout)
        self.wait(self._shows_the_mesh, "the mesh is shown")
        self.turn(0.1)

    def _shows_the_mesh(self) -> bool:
        shown, mesh = self.window.view.viewer.geometry_shown, self.result.sample.mesh
        return shown is not None and mesh is not None and shown.triangles == len(mesh.faces)

    def save(self, action: str, path: Path) -> None:
        """Trigger a save command and type ``path`` into its dialog."""
        self.window.actions_by_name[action].trigger()
        self.save_as(path)

    def save_as(self, path: Path) -> None:
        """Type ``path`` into the dialog that asks where to save."""
        self.wait(lambda: self.window.findChild(QFileDialog) is not None, "the dialog is open")
        dialog = self.window.findChild(QFileDialog)
        assert isinstance(dialog, QFileDialog)
        field = dialog.findChild(QLineEdit, "fileNameEdit")
        assert isinstance(field, QLineEdit)
        field.setText(str(path))
        self.turn(0.05)
        box = dialog.findChild(QDialogButtonBox)
        assert isinstance(box, QDialogButtonBox)
        self.press(next(button for button in box.buttons() if box.buttonRole(button) is ACCEPT))
        self.wait(lambda: self.window.findChild(QFileDialog) is None, "the dialog is gone")

    def saved(self, name: str) -> None:
        self.wait(lambda: name in self.window.messages.text, f"the window says that {name} is saved")

    def dialog(self) -> ConnectionDialog:
        dialog = self.window.findChild(ConnectionDialog)
        assert isinstance(dialog, ConnectionDialog)
        return dialog

    def palette(self) -> CommandPalette:
        palette = self.window.findChild(CommandPalette)
        assert isinstance(palette, CommandPalette)
        return palette

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.pulse.stop()
            self.window.close()
            self.window.deleteLater()
            self.turn(0.05)
