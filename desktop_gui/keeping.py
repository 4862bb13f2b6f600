"""Keeps what is being painted: a moment after each change it is on the disk, and the start page offers it again."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from protocol.connection import config_dir

from .labelling import Labelling
from .net.background import Background
from .state import paintings
from .state.drawing import Drawing, LabelDocument
from .state.paintings import Painting

KEEP_MS = 1000


class Keeping(QObject):
    """A sheet that nothing was painted on, and an example as it was opened, are not kept."""

    changed = Signal()
    failed = Signal(object)  # Problem

    def __init__(self, labelling: Labelling, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.paintings: list[Painting] = []  # newest first
        self.folder = config_dir() / "desktop" / "paintings"
        self._labelling = labelling
        self._background = background
        self._pending: tuple[LabelDocument, Drawing] | None = None
        self._soon = QTimer(self, singleShot=True, interval=KEEP_MS)
        self._soon.timeout.connect(self._keep)
        labelling.drawing_changed.connect(self._on_drawing)

    def load(self) -> None:
        """Read what earlier runs left."""
        self._background.run(lambda: paintings.read_all(self.folder), self._show)

    def get(self, painting_id: str) -> Painting | None:
        return next((each for each in self.paintings if each.id == painting_id), None)

    def picture(self, painting: Painting) -> Path:
        """The file of its labels."""
        return paintings.picture_path(self.folder, painting)

    def _show(self, found: list[Painting]) -> None:
        self.paintings = found
        self.changed.emit()

    def _on_drawing(self) -> None:
        document = self._labelling.document
        if self._pending is not None and self._pending[0] is not document:
            self._keep()  # another one was opened
        if document is not None and document.can_undo and not document.current.empty:
            self._pending = document, document.current
            self._soon.start()

    def _keep(self) -> None:
        self._soon.stop()
        if self._pending is None:
            return
        (document, drawing), self._pending = self._pending, None
        painting = paintings.painting_of(document, drawing, time.time())

        def work() -> list[Painting]:
            paintings.write(self.folder, painting, drawing.ids, document.palette)
            return paintings.read_all(self.folder)

        self._background.run(work, self._show, self.failed.emit)

    def flush(self) -> None:
        """Write what is not written yet: the program ends."""
        self._soon.stop()
        if self._pending is not None:
            document, drawing = self._pending
            self._pending = None
            painting = paintings.painting_of(document, drawing, time.time())
            paintings.write(self.folder, painting, drawing.ids, document.palette)
