"""The parameters of a task: the few that matter in a row, all others in a form behind "More"."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from protocol.messages import Catalogue, ParameterInfo, TaskInfo

from .layouts import empty
from .parameter_field import POINTING, Field, make_field, title_of


class Parameters(QWidget):
    """Built anew from every catalogue; what the person had set stays set. ``more`` is a widget of its own, to be
    placed where there is room."""

    def __init__(self, task: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.more = QScrollArea()
        self.more.setWidgetResizable(True)
        self.more.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._task = task
        self._catalogue: Catalogue | None = None
        self._said: dict[str, Any] = {}  # all that was ever set, by key
        self._fields: dict[str, Field] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(16)
        self._waiting = QLabel(self.tr("The settings come from the server."))
        self._waiting.setObjectName("muted")
        self._row.addWidget(self._waiting)

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Build the forms for the task as this server describes it."""
        self._catalogue = catalogue
        task = self._find(self._task)
        if task is None:
            return
        self._remember()
        self._clear()
        self._build(task, catalogue)
        self.set_values({info.name: self._said.get(_key(info)) for info in task.parameters})

    def set_task(self, task: str) -> None:
        """Show the form of another task. What both have stays as it is set."""
        if task != self._task:
            self._task = task
            if self._catalogue is not None:
                self.set_catalogue(self._catalogue)

    def values_of(self, task: str) -> dict[str, Any]:
        """What was set of the parameters of ``task``, whichever form is shown."""
        self._remember()
        found = self._find(task)
        known = {info.name: (info, self._said.get(_key(info))) for info in found.parameters} if found else {}
        return {
            name: value
            for name, (info, value) in known.items()
            if value is not None and (info.kind != "choice" or value in info.choices)
        }

    def _find(self, task: str) -> TaskInfo | None:
        tasks = self._catalogue.tasks if self._catalogue is not None else []
        return next((known for known in tasks if known.name == task), None)

    def _remember(self) -> None:
        self._said |= {_key(field.info): field.value() for field in self._fields.values()}

    def _clear(self) -> None:
        empty(self._row)
        self._fields.clear()

    def _build(self, task: TaskInfo, catalogue: Catalogue) -> None:
        form = QWidget()
        grid = QGridLayout(form)
        grid.setContentsMargins(16, 12, 16, 12)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(4)
        place = 0
        for info in task.parameters:
            if info.kind in POINTING:
                continue
            field = self._fields[info.name] = make_field(info, catalogue.models)
            block = captioned(field)
            if info.basic:
                self._row.addWidget(block)
            else:
                grid.addWidget(block, place // 3, place % 3, Qt.AlignmentFlag.AlignTop)
                place += 1
        for column in range(3):
            grid.setColumnStretch(column, 1)
        self.more.setWidget(form)

    def values(self) -> dict[str, Any]:
        """All parameters by name."""
        return {name: field.value() for name, field in self._fields.items()}

    def set_values(self, values: dict[str, Any]) -> None:
        """Set those that the task has; others are ignored."""
        for name, value in values.items():
            if name in self._fields and value is not None:
                self._fields[name].set_value(value)

    def field(self, name: str) -> Field | None:
        return self._fields.get(name)


def _key(info: ParameterInfo) -> str:
    """The same for parameters of two tasks that mean the same."""
    return info.model_task or info.name


def captioned(field: Field) -> QWidget:
    """``field`` below its title and, where it has one, above its note."""
    block = QWidget()
    layout = QVBoxLayout(block)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(3)
    caption = QLabel(title_of(field.info))
    caption.setObjectName("caption")
    caption.setBuddy(field.widget)
    caption.setToolTip(field.widget.toolTip())
    layout.addWidget(caption)
    layout.addWidget(field.widget)
    if isinstance(field.widget, QComboBox):
        note = QLabel(field.note())
        note.setObjectName("caption")
        note.setWordWrap(True)
        layout.addWidget(note)
        field.widget.currentIndexChanged.connect(lambda _: note.setText(field.note()))
    layout.addStretch(1)
    return block
