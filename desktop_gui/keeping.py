"""Keeps what is being painted: a moment after each change it is on the disk, and the start page offers it again."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from protocol import ProblemError
from protocol.connection import config_dir

from .labelling import Labelling
from .net.background import Background
from .state import paintings
from .state.drawing import Drawing, LabelDocument
from .state.paintings import Painting

KEEP_MS = 1000
_log = logging.getLogger(__name__)
Change = tuple[LabelDocument, Drawing, float]  # and when it was made


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
        self._unsaved: dict[str, Change] = {}  # by the painting's id: what is not known to be on the disk
        self._writing = threading.Lock()
        self._soon = QTimer(self, singleShot=True, interval=KEEP_MS)
        self._soon.timeout.connect(self._keep)
        labelling.drawing_changed.connect(self._on_drawing)

    def load(self) -> None:
        """Read what earlier runs left."""
        self._background.run(lambda: paintings.kept(self.folder), self._show)

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
        if document is not None and document.can_undo and not document.current.empty:
            self._unsaved[document.id] = document, document.current, time.time()
            self._soon.start()

    def _keep(self) -> None:
        changes = dict(self._unsaved)

        def work() -> list[Painting]:
            self._write(changes)
            return paintings.kept(self.folder)

        def done(found: list[Painting]) -> None:
            for key, change in changes.items():
                if self._unsaved.get(key) is change:
                    del self._unsaved[key]
            self._show(found)

        self._background.run(work, done, self.failed.emit)

    def _write(self, changes: dict[str, Change]) -> None:
        """Called on any thread; what has become older meanwhile is left to whoever has the newer."""
        with self._writing:
            for key, change in changes.items():
                if self._unsaved.get(key) is change:
                    document, drawing, now = change
                    painting = paintings.painting_of(document, drawing, now)
                    paintings.write(self.folder, painting, drawing.ids, document.palette)

    def flush(self) -> None:
        """Write what may not be written yet: the program ends."""
        self._soon.stop()
        try:
            self._write(dict(self._unsaved))
        except (ProblemError, OSError) as error:
            _log.error("a label map could not be kept: %s", error)  # nobody is there to be told any more
