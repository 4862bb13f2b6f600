"""A small whole number with - and + beside it."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget


class Stepper(QWidget):
    """For ranges that a few clicks cross."""

    changed = Signal(int)

    def __init__(self, low: int, high: int, value: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high, self._value = low, high, value
        self._less, self._more = QPushButton("−"), QPushButton("+")
        self._label = QLabel()
        self._label.setMinimumWidth(26)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for widget in (self._less, self._label, self._more):
            layout.addWidget(widget)
        for button, step, name in ((self._less, -1, self.tr("Fewer")), (self._more, 1, self.tr("More"))):
            button.setFixedWidth(30)
            button.setStyleSheet("padding: 6px 0;")
            button.setAutoRepeat(True)
            button.setAccessibleName(name)
            button.clicked.connect(lambda _=False, step=step: self._step(step))
        self.set_value(value)

    def value(self) -> int:
        return self._value

    def set_value(self, value: int) -> None:
        self._value = min(max(int(value), self._low), self._high)
        self._label.setText(QLocale().toString(self._value))
        self._less.setEnabled(self._value > self._low)
        self._more.setEnabled(self._value < self._high)

    def _step(self, step: int) -> None:
        self.set_value(self._value + step)
        self.changed.emit(self._value)
