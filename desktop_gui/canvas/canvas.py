"""The widget in the middle: shows the picture and what was found in it, and takes clicks and drags."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QImage, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from ..state.prompts import Box, Prompts
from . import painting
from .overlay import Overlay
from .zooming import ZoomingCanvas


class Show(Enum):
    """What the canvas shows of an object."""

    PICTURE = "picture"
    OUTLINE = "outline"
    WHOLE = "whole"
    AGREEMENT = "agreement"


class Canvas(ZoomingCanvas):
    """Positions in its signals are in picture pixels."""

    clicked = Signal(float, float, bool, bool)  # x, y, positive, add
    boxed = Signal(object, bool)  # Box, add
    cleared = Signal()
    hovered = Signal(float, float)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Picture"))
        self._levels: list[QImage] = []
        self._overlay = Overlay()
        self._hover = Overlay()
        self._prompts = Prompts()
        self._show = Show.OUTLINE
        self._pressed: QPointF | None = None
        self._dragging: Box | None = None
        self._update_cursor()

    # --- what to show ---

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

    # --- input ---

    def _press(self, event: QMouseEvent) -> None:
        self._pressed = event.position()

    def _move(self, event: QMouseEvent) -> None:
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            distance = (event.position() - self._pressed).manhattanLength()
            if self._dragging is not None or distance >= QApplication.startDragDistance():
                self._dragging = self._box_to(event.position())
                self.update()
        elif self._size[0] and not event.buttons() and not self.pans:
            self.hovered.emit(*self._view.to_picture(event.position().x(), event.position().y()))

    def _release(self, event: QMouseEvent) -> None:
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

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self._pressed is not None:
            self._pressed = self._dragging = None
            self.update()
        else:
            self.cleared.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self.left.emit()
        super().leaveEvent(event)

    # --- drawing ---

    def _draw(self, painter: QPainter, room: QRectF) -> None:
        ratio = self.devicePixelRatioF()
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
