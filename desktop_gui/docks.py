"""The docks: which there are, where they are at first, which are shown when."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QWidget

from .panels.dock_grip import DockGrip

LAYOUT_VERSION = 2


class Docks:
    """``panels`` are (name, title, widget); the first one stands above the others, which are tabs. Those called in
    ``own`` belong to one way of working each, and are shown in that alone."""

    def __init__(self, window: QMainWindow, panels: list[tuple[str, str, QWidget]], own: str) -> None:
        self._window = window
        self._own = own.split()
        self._used = ""
        self._put_away: list[QDockWidget] = []
        self._by_name: dict[str, QDockWidget] = {}
        window.setDockOptions(QMainWindow.DockOption.AllowTabbedDocks | QMainWindow.DockOption.AnimatedDocks)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for name, title, widget in panels:
            dock = QDockWidget(title)
            dock.setObjectName(name)
            dock.setWidget(widget)
            dock.setTitleBarWidget(DockGrip())
            self._by_name[name] = dock
        self.reset()

    def __getitem__(self, name: str) -> QDockWidget:
        return self._by_name[name]

    def __iter__(self) -> Iterator[QDockWidget]:
        return iter(self._by_name.values())

    def reset(self) -> None:
        """Every dock where it is at first."""
        self._put_away = []
        right = Qt.DockWidgetArea.RightDockWidgetArea
        for dock in self:
            dock.setFloating(False)
            self._window.addDockWidget(right, dock)
        above, first, *others = self
        self._window.splitDockWidget(above, first, Qt.Orientation.Vertical)
        for before, dock in zip([first, *others], others, strict=False):
            self._window.tabifyDockWidget(before, dock)
        self._show()
        self._resize()

    def _show(self) -> None:
        """All but those of other ways of working."""
        for name, dock in self._by_name.items():
            dock.setVisible(name == self._used or name not in self._own)
        if self._used:
            self[self._used].raise_()

    def _resize(self) -> None:
        above, *tabs = self
        width = round(max(self._window.width(), 1280) * 0.34)
        self._window.resizeDocks([above], [width], Qt.Orientation.Horizontal)
        shown = [dock for dock in tabs if not dock.isHidden()]
        self._window.resizeDocks([above, *shown[:1]], [430, 220][: 1 + len(shown[:1])], Qt.Orientation.Vertical)

    def use(self, own: str, layout: QByteArray | None = None) -> None:
        """Show the dock ``own`` among those for all, all of them first as ``layout`` says, where that is given and can
        be understood."""
        other, self._used = own != self._used, own
        self._put_away = []
        if layout is not None:
            self._show()
            if layout.isEmpty() or not self._window.restoreState(layout, LAYOUT_VERSION):
                self._resize()
        for name in self._own:
            self[name].setVisible(name == own)
        if other:
            self[own].raise_()

    def hide(self) -> None:
        """Show none."""
        for dock in self:
            dock.hide()

    def toggle(self) -> None:
        """Hide what is shown for a clear view, or bring it back."""
        if self._put_away:
            for dock in self._put_away:
                dock.show()
            self._put_away = []
        else:
            self._put_away = [dock for dock in self if not dock.isHidden()]
            self.hide()

    @property
    def layout(self) -> QByteArray | None:
        """Where they are now; None while they are hidden for a clear view."""
        return None if self._put_away else self._window.saveState(LAYOUT_VERSION)
