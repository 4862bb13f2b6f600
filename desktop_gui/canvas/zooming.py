"""What every canvas can: zoom to the pointer, move, fit, take dropped files, show a hint at its foot."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QCursor,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from ..state.view import FIT_SCALE, View
from . import painting

WHEEL_STEP = 1.0015  # per eighth of a degree


class ZoomingCanvas(QWidget):
    """Subclasses say what is drawn and what the pointer does where it does not move the picture."""

    dropped = Signal(Path)
    scale_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setMinimumSize(240, 180)
        self._background = QColor("#101216")
        self._size = (0, 0)
        self._view = View()
        self._fit_scale = FIT_SCALE
        self._fitted = True
        self._hint = ""
        self._panned_from: QPointF | None = None
        self._space = False
        self._pan_tool = False

    # --- what subclasses do ---

    def _draw(self, painter: QPainter, room: QRectF) -> None:
        """Draw what lies in ``room``, in widget positions."""

    def _press(self, event: QMouseEvent) -> None:
        """A button went down and does not move the picture."""

    def _move(self, event: QMouseEvent) -> None:
        """The pointer moved and does not move the picture."""

    def _release(self, event: QMouseEvent) -> None:
        """A button that `_press` had came up."""

    def _tool_cursor(self) -> QCursor:
        return QCursor(Qt.CursorShape.CrossCursor)

    # --- what to show ---

    @property
    def view(self) -> View:
        return self._view

    @property
    def hint(self) -> str:
        return self._hint

    def set_hint(self, text: str) -> None:
        if text != self._hint:
            self._hint = text
            self.update()

    def set_background(self, colour: str) -> None:
        self._background = QColor(colour)
        self.update()

    # --- zoom and pan ---

    @property
    def pans(self) -> bool:
        """Whether a drag moves the picture now."""
        return self._space or self._pan_tool

    @property
    def pan_tool(self) -> bool:
        return self._pan_tool

    def set_pan_tool(self, on: bool) -> None:
        """Whether a drag moves the picture also without Space."""
        self._pan_tool = on
        self._update_cursor()

    def fit(self) -> None:
        """Show the whole picture, also after the widget changes its size."""
        self._fitted = True
        if self._size[0]:
            self._set_view(View.fitting(self._size, (self.width(), self.height()), most=self._fit_scale))
        self.update()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom by ``factor`` around ``at`` (the middle by default)."""
        middle = at if at is not None else QPointF(self.width() / 2, self.height() / 2)
        self._fitted = False
        self._set_view(self._view.zoomed(factor, middle.x(), middle.y()))

    def zoom_to(self, scale: float) -> None:
        """Zoom to ``scale`` widget pixels a picture pixel."""
        self.zoom(scale / self._view.scale)

    def _set_view(self, view: View) -> None:
        self._view = view
        self.scale_changed.emit(view.scale)
        self.update()

    def _update_cursor(self) -> None:
        if self._panned_from is not None:
            self.setCursor(QCursor(Qt.CursorShape.ClosedHandCursor))
        elif self.pans:
            self.setCursor(QCursor(Qt.CursorShape.OpenHandCursor))
        else:
            self.setCursor(self._tool_cursor())

    # --- input ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        button = event.button()
        if button is Qt.MouseButton.MiddleButton or (button is Qt.MouseButton.LeftButton and self.pans):
            self._panned_from = event.position()
            self._update_cursor()
        elif button in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self._press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._panned_from is not None:
            delta = event.position() - self._panned_from
            self._panned_from, self._fitted = event.position(), False
            self._set_view(self._view.moved(delta.x(), delta.y()))
        else:
            self._move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._panned_from is not None:
            self._panned_from = None
            self._update_cursor()
        else:
            self._release(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y() or event.angleDelta().x()
        if self._size[0] and turned:
            self.zoom(WHEEL_STEP**turned, event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom(1 + event.value(), event.position())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (40, 0),
            Qt.Key.Key_Right: (-40, 0),
            Qt.Key.Key_Up: (0, 40),
            Qt.Key.Key_Down: (0, -40),
        }
        key = Qt.Key(event.key())
        if key is Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self._update_cursor()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1.25)
        elif key is Qt.Key.Key_Minus:
            self.zoom(0.8)
        elif key in steps:
            self._fitted = False
            self._set_view(self._view.moved(*steps[key]))
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._update_cursor()
        else:
            super().keyReleaseEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._fitted:
            self.fit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_file(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropped_file(event)
        if path is not None:
            event.acceptProposedAction()
            self.dropped.emit(path)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._background)
        if self._size[0]:
            self._draw(painter, QRectF(event.rect()))
        if self._hint:
            painting.draw_pill(painter, self._hint, QRectF(self.rect()))


def dropped_file(event: QDropEvent) -> Path | None:
    """The first local file of a drop, None when there is none."""
    files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
    return Path(files[0]) if files else None
