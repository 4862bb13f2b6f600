"""An object that the server draws: shows the pictures that come, and says where the mouse wants to look from."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from ..canvas.painting import draw_pill
from ..state.orbit import Orbit
from ..theme import DARK, Theme
from . import turning

NARROWEST, WIDEST = math.radians(4.0), math.radians(100.0)


class FieldView(QWidget):
    """``moved`` brings the orbit to look from; ``reset`` wants the first position back."""

    moved = Signal(object)  # Orbit
    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(200, 160)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Object"))
        self._theme = DARK
        self._image: QImage | None = None
        self._smooth = True
        self._orbit = Orbit()
        self._words = self._hint = ""
        self._last: QPointF | None = None

    @property
    def image(self) -> QImage | None:
        """What is shown, as it came."""
        return self._image

    def show_image(self, image: QImage | None, smooth: bool = True) -> None:
        """Show a square picture, or the words where there is none. Not ``smooth`` keeps its pixels crisp."""
        self._image, self._smooth = image, smooth
        self.update()

    def set_orbit(self, orbit: Orbit) -> None:
        """Where the mouse turns on from."""
        self._orbit = orbit

    @property
    def words(self) -> str:
        return self._words

    def set_words(self, words: str, hint: str = "") -> None:
        """``words`` in the middle while there is no picture, ``hint`` at the foot."""
        self._words, self._hint = words, hint
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._last = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is not None and self._image is not None and event.buttons():
            delta, self._last = event.position() - self._last, event.position()
            self._move(turning.dragged(self._orbit, delta))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._last = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        # Nearer by a narrower view: what the model knows lies at a fixed distance.
        fov = self._orbit.fov * 0.9985 ** event.angleDelta().y()
        if self._image is not None:
            self._move(replace(self._orbit, fov=min(max(fov, NARROWEST), WIDEST)))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        orbit = turning.stepped(self._orbit, event)
        if orbit is not None and self._image is not None:
            self._move(orbit)
        else:
            super().keyPressEvent(event)

    def _move(self, orbit: Orbit) -> None:
        self._orbit = orbit
        self.moved.emit(orbit)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        room = QRectF(self.rect())
        ground = QLinearGradient(room.topLeft(), room.bottomLeft())
        ground.setColorAt(0, QColor(self._theme.view_top))
        ground.setColorAt(1, QColor(self._theme.view_bottom))
        painter.fillRect(room, ground)
        if self._image is not None:
            side = min(room.width(), room.height())
            place = QRectF(0, 0, side, side)
            place.moveCenter(room.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
            painter.drawImage(place, self._image)
        elif self._words:
            painter.setPen(QColor(self._theme.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room.adjusted(24, 0, -24, 0), flags, self._words)
        if self._hint:
            draw_pill(painter, self._hint, room)
