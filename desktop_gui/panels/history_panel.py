"""What happened, newest last."""

from __future__ import annotations

import time

from PySide6.QtWidgets import QPlainTextEdit, QWidget

LINES = 500


class HistoryPanel(QPlainTextEdit):
    """Text to be read and copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("history")
        self.setReadOnly(True)
        self.setMaximumBlockCount(LINES)
        self.setFrameStyle(0)
        self.setPlaceholderText(self.tr("What you do and what the server answers is noted here."))

    def note(self, text: str) -> None:
        self.appendPlainText(f"{time.strftime('%H:%M:%S')}  {text}")
