"""The widget in the middle: shows the picture and what was found in it, and takes clicks and drags."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QCursor,
    QDragEnterEvent,
    QDropEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from ..state.prompts import Box, Prompts
from ..state.view import View
from . import painting
from .overlay import Overlay

WHEEL_STEP = 1.0015  # per eighth of a degree


class Show(Enum):
    """What the canvas shows of an object."""

    PICTURE = "picture"
    OUTLINE = "outline"
    WHOLE = "whole"
    AGREEMENT = "agreement"


class Tool(Enum):
    POINT = "point"
    PAN = "pan"


class Canvas(QWidget):
    """Positions in its signals are in picture pixels."""

    clicked = Signal(float, float, bool, bool)  # x, y, positive, add
    boxed = Signal(object, bool)  # Box, add
    cleared = Signal()
    hovered = Signal(float, float)
    left = Signal()
    dropped = Signal(Path)
    scale_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setMinimumSize(240, 180)
        self.setAccessibleName(self.tr("Picture"))
        self._background = QColor("#101216")
        self._levels: list[QImage] = []
        self._size = (0, 0)
        self._view = View()
        self._fitted = True
        self._overlay = Overlay()
        self._hover = Overlay()
        self._prompts = Prompts()
        self._show = Show.OUTLINE
        self._tool = Tool.POINT
        self._hint = ""
        self._pressed: QPointF | None = None
        self._panned_from: QPointF | None = None
        self._dragging: Box | None = None
        self._space = False
        self._update_cursor()

    # --- what to show ---

    @property
    def view(self) -> View:
        return self._view

    def set_picture(self, levels: list[QImage]) -> None:
        """A picture and its halves (qimages.pyramid); fits it into the widget."""
        self._levels = levels
        self._size = (levels[0].width(), levels[0].height()) if levels else (0, 0)
        self._overlay = self._hover = Overlay()
        self.fit()

    def set_overlay(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self.update()

    def set_hover(self, overlay: Overlay) -> None:
        self._hover = overlay
        self.update()

    def set_prompts(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self.update()

    def set_show(self, show: Show) -> None:
        self._show = show
        self.update()

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

    def set_tool(self, tool: Tool) -> None:
        self._tool = tool
        self._update_cursor()

    # --- zoom and pan ---

    def fit(self) -> None:
        """Show the whole picture, also after the widget changes its size."""
        self._fitted = True
        if self._size[0]:
            self._set_view(View.fitting(self._size, (self.width(), self.height())))
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
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space or self._tool is Tool.PAN:
            shape = Qt.CursorShape.OpenHandCursor
        else:
            shape = Qt.CursorShape.CrossCursor
        self.setCursor(QCursor(shape))

    # --- input ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        button = event.button()
        pans = self._space or self._tool is Tool.PAN
        if button is Qt.MouseButton.MiddleButton or (button is Qt.MouseButton.LeftButton and pans):
            self._panned_from = event.position()
            self._update_cursor()
        elif button in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self._pressed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._panned_from is not None:
            delta = event.position() - self._panned_from
            self._panned_from, self._fitted = event.position(), False
            self._set_view(self._view.moved(delta.x(), delta.y()))
        elif self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            distance = (event.position() - self._pressed).manhattanLength()
            if self._dragging is not None or distance >= QApplication.startDragDistance():
                self._dragging = self._box_to(event.position())
                self.update()
        elif self._size[0] and not event.buttons() and self._tool is Tool.POINT and not self._space:
            self.hovered.emit(*self._view.to_picture(event.position().x(), event.position().y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._panned_from is not None:
            self._panned_from = None
            self._update_cursor()
            return
        pressed, self._pressed = self._pressed, None
        box, self._dragging = self._dragging, None
        self.update()
        if pressed is None or not self._size[0]:
            return
        add = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if box is not None:
            self.boxed.emit(box, add)
        elif (event.position() - pressed).manhattanLength() < QApplication.startDragDistance():
            takes_away = event.button() is Qt.MouseButton.RightButton or bool(
                event.modifiers() & Qt.KeyboardModifier.ControlModifier
            )
            x, y = self._view.to_picture(pressed.x(), pressed.y())
            if 0 <= x < self._size[0] and 0 <= y < self._size[1]:
                self.clicked.emit(x, y, not takes_away, add)

    def _box_to(self, position: QPointF) -> Box | None:
        assert self._pressed is not None
        start = self._view.to_picture(self._pressed.x(), self._pressed.y())
        end = self._view.to_picture(position.x(), position.y())
        return Box.spanning(*start, *end, *self._size)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()  # the right button takes away

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
        elif key is Qt.Key.Key_Escape:
            if self._pressed is not None:
                self._pressed = self._dragging = None
                self.update()
            else:
                self.cleared.emit()
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

    def leaveEvent(self, event: QEvent) -> None:
        self.left.emit()
        super().leaveEvent(event)

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

    # --- drawing ---

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._background)
        if not self._levels:
            return
        ratio = self.devicePixelRatioF()
        room = QRectF(event.rect())
        painting.draw_levels(painter, self._levels, self._size, self._view, room, ratio)
        if self._show is Show.WHOLE and self._overlay.whole:
            painting.draw_dimmed(painter, self._size, self._view, self._background)
            painting.draw_levels(painter, self._overlay.whole, self._size, self._view, room, ratio)
        if self._show is not Show.PICTURE:
            seen, agreement = self._show is not Show.WHOLE, self._show is Show.AGREEMENT
            painting.draw_overlay(painter, self._overlay, self._size, self._view, seen, agreement)
        if self._show is Show.OUTLINE:
            painting.draw_overlay(painter, self._hover, self._size, self._view, True)
            painting.draw_prompts(painter, self._prompts, self._view)
        if self._dragging is not None:
            painting.draw_box(painter, self._dragging, self._view)
        if self._hint:
            painting.draw_pill(painter, self._hint, QRectF(self.rect()))


def dropped_file(event: QDropEvent) -> Path | None:
    """The first local file of a drop, None when there is none."""
    files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
    return Path(files[0]) if files else None
