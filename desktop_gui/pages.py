"""Which page is in front, start, picture or label map, and the docks that go with each."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QToolBar

from .canvas.zooming import ZoomingCanvas
from .docks import Docks
from .panels.label_page import LabelPage
from .panels.start_page import StartPage
from .panels.workspace import Workspace
from .settings import Settings
from .viewer.object_panel import ObjectPanel


class Pages(QStackedWidget):
    """``turned`` follows each change."""

    turned = Signal()

    def __init__(
        self, window: QMainWindow, settings: Settings, start: StartPage, workspace: Workspace, labels: LabelPage
    ) -> None:
        super().__init__(window)
        self._window = window
        self._settings = settings
        self._start, self._workspace, self._labels = start, workspace, labels
        for page in (start, workspace, labels):
            self.addWidget(page)
        self.rail = QToolBar(self.tr("Tools"))
        self.rail.setObjectName("rail")
        self.rail.setIconSize(QSize(20, 20))
        self.rail.setMovable(False)
        window.addToolBar(Qt.ToolBarArea.LeftToolBarArea, self.rail)

    @property
    def at_start(self) -> bool:
        return self.currentWidget() is self._start

    @property
    def in_workspace(self) -> bool:
        return self.currentWidget() is self._workspace

    @property
    def in_labels(self) -> bool:
        return self.currentWidget() is self._labels

    @property
    def canvas(self) -> ZoomingCanvas:
        """The one in front."""
        return self._labels.canvas if self.in_labels else self._workspace.canvas

    def enter(self, page: Workspace | LabelPage, docks: Docks, objects: ObjectPanel) -> None:
        """Turn to ``page``, its dock and its tools."""
        if self.currentWidget() is page:
            return
        layout = self._settings.layout[1] if self.at_start else None
        self.setCurrentWidget(page)
        objects.set_painting(self.in_labels)
        docks.use("labels" if self.in_labels else "samples", layout)
        self.rail.show()
        self.canvas.setFocus()
        self.turned.emit()

    def enter_start(self, docks: Docks) -> None:
        """Turn to the ways in; nothing is closed."""
        self.remember(docks)
        self.setCurrentWidget(self._start)
        self.rail.hide()
        docks.hide()
        self._window.setWindowTitle("Wholeform")
        self.turned.emit()

    def remember(self, docks: Docks) -> None:
        """Keep the window's place and that of the docks for the next time."""
        self._settings.set_layout(self._window.saveGeometry(), None if self.at_start else docks.layout)
