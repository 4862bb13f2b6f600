"""The canvas with the choice of what it shows, and the action bar below it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ..canvas.canvas import Canvas, Show
from .action_bar import ActionBar
from .segmented import Segmented

EDGE = 10


class Workspace(QWidget):
    """``show_choice`` floats over the canvas once there is something to choose."""

    show_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = Canvas()
        self.bar = ActionBar()
        choices = [
            (Show.PICTURE.value, self.tr("Picture")),
            (Show.OUTLINE.value, self.tr("Outline")),
            (Show.WHOLE.value, self.tr("Whole")),
            (Show.AGREEMENT.value, self.tr("Agreement")),
        ]
        self.show_choice = Segmented(choices, self.canvas)
        self.show_choice.setCursor(Qt.CursorShape.ArrowCursor)
        self.show_choice.changed.connect(lambda value: self.set_show(Show(value)))
        self.show_choice.hide()
        self.canvas.installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.bar)

    def set_show(self, show: Show) -> None:
        """Change what the canvas shows, and the buttons with it."""
        self.show_choice.set_value(show.value)
        self.canvas.set_show(show)
        self.show_changed.emit()

    def offer_choice(self, outline: bool, whole: bool, agreement: bool = False) -> None:
        """Which of them there is something to see of."""
        self.show_choice.setVisible(outline or whole)
        for show, there in ((Show.WHOLE, whole), (Show.AGREEMENT, agreement)):
            self.show_choice.button(show.value).setEnabled(there)
            if not there and self.show_choice.value() == show.value:
                self.set_show(Show.OUTLINE)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.canvas and event.type() is QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.show_choice.adjustSize()
        self.show_choice.move(self.canvas.width() - self.show_choice.width() - EDGE, EDGE)
