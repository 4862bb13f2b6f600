"""The label map, magnified with crisp pixels, and the brush over it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QCursor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from protocol.labels import painted
from protocol.messages import LabelInfo

from ..state.brush import Brush, Tool
from ..state.drawing import BACKGROUND
from ..state.strokes import Rect, snapped
from ..state.view import MAX_SCALE
from .zooming import ZoomingCanvas


class LabelCanvas(ZoomingCanvas):
    """Positions in its signals are in pixels of the label map; ``pressed`` and ``dragged`` also bring the id to paint.
    The right button always erases."""

    pressed = Signal(float, float, int)
    dragged = Signal(float, float, int)
    lifted = Signal()
    given_up = Signal()
    filled = Signal(float, float, int)

    def __init__(self, brush: Brush, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Label map"))
        self._brush = brush
        self._labels: tuple[LabelInfo, ...] = ()
        self._pixels = np.zeros((0, 0, 4), np.uint8)
        self._image = QImage()
        self._ink: int | None = None  # what the button that is down paints
        self._pointer: QPointF | None = None
        self._fit_scale = MAX_SCALE
        self._update_cursor()

    # --- what to show ---

    def set_map(self, ids: np.ndarray, labels: tuple[LabelInfo, ...]) -> None:
        """Show ``ids`` (uint16 H x W) in the colours of ``labels``; fits it into the widget."""
        height, width = ids.shape
        self._labels, self._size = labels, (width, height)
        # The picture looks at these pixels: what changes in them shows at the next painting.
        self._pixels = np.full((height, width, 4), 255, np.uint8)
        self._image = QImage(self._pixels.data, width, height, 4 * width, QImage.Format.Format_RGBX8888)
        self.change(ids, None)
        self.fit()

    def change(self, ids: np.ndarray, rect: Rect | None) -> None:
        """``ids`` look different in ``rect``, or everywhere."""
        height, width = ids.shape
        rect = rect if rect is not None else Rect(0, 0, width, height)
        part = np.s_[rect.y0 : rect.y1, rect.x0 : rect.x1]
        self._pixels[part][..., :3] = painted(ids[part], self._labels)
        self.update()

    def brush_changed(self) -> None:
        """Tool, label or size are others now."""
        self._update_cursor()
        self.update()

    def _tool_cursor(self) -> QCursor:
        # The ring is the cursor of brush and eraser.
        shape = Qt.CursorShape.CrossCursor if self._brush.tool is Tool.FILL else Qt.CursorShape.BlankCursor
        return QCursor(shape if self._size[0] else Qt.CursorShape.ArrowCursor)

    # --- input ---

    def _place(self, event: QMouseEvent) -> tuple[float, float]:
        return self._view.to_picture(event.position().x(), event.position().y())

    def _press(self, event: QMouseEvent) -> None:
        if not self._size[0] or self._ink is not None:
            return
        ink = BACKGROUND if event.button() is Qt.MouseButton.RightButton else self._brush.ink
        if self._brush.tool is Tool.FILL:
            self.filled.emit(*self._place(event), ink)
        else:
            self._ink = ink
            self.pressed.emit(*self._place(event), ink)

    def _move(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if self._ink is not None:
            self.dragged.emit(*self._place(event), self._ink)
        self.update()

    def _release(self, event: QMouseEvent) -> None:
        if self._ink is not None and not event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton):
            self._ink = None
            self.lifted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._ink is not None:
            self._ink = None
            self.given_up.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()  # the right button erases

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer = None
        self.update()
        super().leaveEvent(event)

    # --- drawing ---

    def _draw(self, painter: QPainter, room: QRectF) -> None:
        left, top = self._view.to_widget(0, 0)
        place = QRectF(left, top, self._size[0] * self._view.scale, self._size[1] * self._view.scale)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._view.scale < 1)
        painter.drawImage(place, self._image)
        if self._pointer is not None and not self.pans:
            self._draw_brush(painter, self._pointer)

    def _draw_brush(self, painter: QPainter, pointer: QPointF) -> None:
        """A ring where the brush would paint, in the label's colour between two that show on anything."""
        brush, scale = self._brush, self._view.scale
        colour = QColor(*self._labels[brush.ink].colour) if brush.ink < len(self._labels) else QColor("#ffffff")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if brush.tool is Tool.FILL:
            painter.setPen(QPen(QColor("#000000"), 1))
            painter.setBrush(colour)
            painter.drawRect(QRectF(pointer.x() + 9, pointer.y() + 9, 10, 10))
            return
        middle = snapped(*self._view.to_picture(pointer.x(), pointer.y()), brush.size)
        radius = max(brush.size * scale / 2, 2.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for ring, pen in (
            (radius + 1.5, QPen(QColor(0, 0, 0, 200), 1)),
            (radius, QPen(colour, 2)),
            (radius - 1.5, QPen(QColor(255, 255, 255, 200), 1)),
        ):
            painter.setPen(pen)
            painter.drawEllipse(QPointF(*self._view.to_widget(*middle)), ring, ring)
