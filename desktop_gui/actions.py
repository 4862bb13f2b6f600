"""Every command of the window: name, keys, icon, what it does. Menus, tool bar and Ctrl-K are made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar

from .icons import icon
from .theme import Theme

Act = Callable[[], object]


@dataclass(frozen=True)
class Command:
    """One command before it becomes an action. ``group`` makes commands exclude each other."""

    name: str
    text: str
    act: Act
    keys: str = ""
    icon: str = ""
    group: str = ""
    checkable: bool = False
    tip: str = ""


@dataclass
class Actions:
    """All actions by name."""

    by_name: dict[str, QAction] = field(default_factory=dict)
    _icons: dict[str, str] = field(default_factory=dict)
    _groups: dict[str, QActionGroup] = field(default_factory=dict)

    def __getitem__(self, name: str) -> QAction:
        return self.by_name[name]

    def add(self, owner: QObject, commands: list[Command]) -> None:
        """Make an action of each command."""
        for command in commands:
            action = QAction(command.text, owner)
            if command.keys:
                action.setShortcuts([QKeySequence(keys) for keys in command.keys.split("|")])
            plain = command.text.replace("&", "").rstrip("…")
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip((command.tip or plain) + (f" ({keys})" if keys else ""))
            action.setCheckable(command.checkable or bool(command.group))
            if command.group:
                group = self._groups.setdefault(command.group, QActionGroup(owner))
                group.addAction(action)
            action.triggered.connect(lambda _=False, act=command.act: act())
            if command.icon:
                self._icons[command.name] = command.icon
            self.by_name[command.name] = action

    def set_theme(self, theme: Theme) -> None:
        for name, drawn in self._icons.items():
            made = icon(drawn, theme.text, checked=theme.on_accent, disabled=theme.line)
            self.by_name[name].setIcon(made)

    def enable(self, names: str, on: bool) -> None:
        """Switch the actions called ``names`` (separated by blanks)."""
        for name in names.split():
            self.by_name[name].setEnabled(on)

    def fill_menu(self, menu: QMenu, names: str) -> None:
        """Add actions to ``menu``; "-" is a line. Icons are for the tool bar."""
        for name in names.split():
            if name == "-":
                menu.addSeparator()
            else:
                self.by_name[name].setIconVisibleInMenu(False)
                menu.addAction(self.by_name[name])

    def fill_bar(self, bar: QToolBar, names: str) -> None:
        for name in names.split():
            if name == "-":
                bar.addSeparator()
            else:
                bar.addAction(self.by_name[name])

    def menu(self, bar: QMenuBar | QMenu, title: str, names: str) -> QMenu:
        """A new menu with actions in ``bar``."""
        made = bar.addMenu(title)
        self.fill_menu(made, names)
        return made
