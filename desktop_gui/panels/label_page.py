"""The page on which label maps are painted: the canvas, and the bar below it."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ..canvas.label_canvas import LabelCanvas
from ..state.brush import Brush
from .label_bar import LabelBar


class LabelPage(QWidget):
    """``brush`` is what the canvas paints with."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.brush = Brush()
        self.canvas = LabelCanvas(self.brush)
        self.bar = LabelBar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.bar)
