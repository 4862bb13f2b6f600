"""The 3D view: the mouse turns, moves and zooms; a new object turns once by itself."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace

from PySide6.QtCore import QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QSurfaceFormat, QWheelEvent
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget

from ..state.orbit import Orbit
from . import turning
from .geometry import Geometry
from .scene import Look, Scene

TURN_S = 7.0
TURN_FRAME_MS = 33
SETTLE_MS = 150

_log = logging.getLogger(__name__)


def surface_format() -> QSurfaceFormat:
    """What the view needs; make it the default before the application starts."""
    wanted = QSurfaceFormat()
    wanted.setVersion(3, 3)
    wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    wanted.setDepthBufferSize(24)
    return wanted


class Viewer(QOpenGLWidget):
    """Draws one `Geometry`. ``unavailable`` tells why it cannot."""

    unavailable = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(200, 160)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("3D view"))
        self.orbit = Orbit()
        self.look = Look(QColor("#3a4150"), QColor("#171a20"))
        self._home = Orbit()
        self._geometry: Geometry | None = None
        self._scene: Scene | None = None
        self._stale = False
        self._last: QPointF | None = None
        self._turn_from = 0.0
        self._turn_started = 0.0
        self._turning = QTimer(self, interval=TURN_FRAME_MS)
        self._turning.timeout.connect(self._turn_on)
        self._moving = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._moving.timeout.connect(self.update)

    # --- what to show ---

    @property
    def geometry_shown(self) -> Geometry | None:
        return self._geometry

    @property
    def turning(self) -> bool:
        return self._turning.isActive()

    def show_geometry(self, geometry: Geometry | None, keep_view: bool = False) -> None:
        """Show ``geometry``, from the start position unless ``keep_view``."""
        had = self._geometry is not None
        self._geometry, self._stale = geometry, True
        if geometry is None:
            self.stop_turning()
        elif not (keep_view and had):
            self._frame()
            self.reset()
        self.update()

    def set_look(self, look: Look) -> None:
        self.look = look
        self.update()

    def _frame(self) -> None:
        assert self._geometry is not None
        corners = self._geometry.vertices[:, :3]
        self._home = Orbit.framing(corners, self.width() / max(self.height(), 1))

    def reset(self) -> None:
        """Back to the start position."""
        self.stop_turning()
        self._move(self._home)

    def turn_once(self) -> None:
        """Turn the object around by itself, once."""
        self._turn_from, self._turn_started = self.orbit.azimuth, time.monotonic()
        self._turning.start()

    def stop_turning(self) -> None:
        self._turning.stop()

    def _turn_on(self) -> None:
        done = min((time.monotonic() - self._turn_started) / TURN_S, 1.0)
        eased = done * done * (3 - 2 * done)
        self._move(replace(self.orbit, azimuth=self._turn_from + 2 * math.pi * eased))
        if done >= 1.0:
            self.stop_turning()

    def _move(self, orbit: Orbit) -> None:
        self.orbit = orbit
        self._moving.start()
        self.update()

    def picture(self) -> QImage:
        """What the view shows now, opaque."""
        return self.grabFramebuffer().convertToFormat(QImage.Format.Format_RGB32)

    # --- OpenGL ---

    def initializeGL(self) -> None:
        # Docking elsewhere gives the widget a new context: everything is made again from the geometry.
        try:
            self._scene = Scene(self.context())
        except RuntimeError as error:
            _log.error("the 3D view cannot be set up: %s", error)
            self._scene = None
            self.unavailable.emit(str(error))
            return
        self._stale = True
        self.context().aboutToBeDestroyed.connect(self.release, Qt.ConnectionType.DirectConnection)

    def paintGL(self) -> None:
        if self._scene is None:
            return
        if self._stale:
            self._scene.upload(self._geometry)
            self._stale = False
        ratio = self.devicePixelRatioF()
        size = QSize(round(self.width() * ratio), round(self.height() * ratio))
        self._scene.draw(self.orbit, self.look, size, still=not self._moving.isActive())

    def release(self) -> None:
        """Free what lives on the graphics card: the window closes or the context goes."""
        if self._scene is not None:
            self.makeCurrent()
            self._scene.release()
            self._scene = None
            self.doneCurrent()

    # --- mouse and keys ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.stop_turning()
        self._last = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is None or self._geometry is None:
            return
        delta, self._last = event.position() - self._last, event.position()
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.buttons() & Qt.MouseButton.LeftButton and not shifted:
            self._move(turning.dragged(self.orbit, delta))
        elif event.buttons():
            self._move(self.orbit.panned(delta.x(), delta.y(), self.height()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._last = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._geometry is not None:
            self._frame()
            self.reset()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.stop_turning()
        if self._geometry is not None:
            self._move(self.orbit.zoomed(0.9985 ** event.angleDelta().y()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        orbit = turning.stepped(self.orbit, event)
        if orbit is not None:
            self.stop_turning()
            self._move(orbit)
        else:
            super().keyPressEvent(event)
