"""The slim handle by which a dock is dragged; its name stands in the tab or the frame already."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QWidget

HEIGHT = 11
DOTS = 5


class DockGrip(QWidget):
    """A row of dots."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.SizeAllCursor)
        self.setToolTip(self.tr("Drag to move this dock, double-click to tear it off"))

    def sizeHint(self) -> QSize:
        return QSize(60, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.palette().color(QPalette.ColorRole.Mid)))
        for number in range(DOTS):
            x = self.width() / 2 + (number - DOTS // 2) * 7
            painter.drawEllipse(QPointF(x, self.height() / 2), 1.6, 1.6)
