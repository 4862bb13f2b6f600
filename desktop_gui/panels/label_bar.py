"""Below the label map: how far the object is, its style, its mesh, saving."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from protocol.messages import Catalogue

from ..state.jobs import JobEntry
from ..state.labelled import SYNTHESIZE
from .job_progress import JobProgress
from .layouts import empty
from .parameter_field import Field, make_field
from .parameters import captioned
from .segmented import Segmented

ROOMY = 700
FIELDS = ((SYNTHESIZE, "quality"), ("mesh", "faces"))  # of the catalogue's tasks, the parameters to set here


class LabelBar(QFrame):
    """``changed`` says that a field was set by hand."""

    new_style = Signal()
    mesh_wanted = Signal()
    cancelled = Signal()
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.progress = JobProgress()
        self._fields: dict[str, Field] = {}
        self._field_box = QWidget()
        self._field_row = QHBoxLayout(self._field_box)
        self._field_row.setContentsMargins(0, 0, 0, 0)
        self._field_row.setSpacing(16)
        self.style_button = self._button(self.tr("New style"), "")
        self.style_button.setToolTip(self.tr("Other colours and materials for the same labels"))
        self.style_button.clicked.connect(self.new_style)
        self.save = self._button(self.tr("Save"), "second")
        self.save.setToolTip(self.tr("Save the label map, the picture or the mesh"))
        self.make_mesh = self._button(self.tr("Make mesh"), "primary")
        self.make_mesh.setToolTip(self.tr("Make a mesh of the object, coloured and with a label for each face"))
        self.make_mesh.clicked.connect(self.mesh_wanted)
        self.stop = self._button(self.tr("Cancel"), "")
        self.stop.setToolTip(self.tr("Stop what is being made; the labels stay as they are"))
        self.stop.clicked.connect(self.cancelled)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self._make_style(), 0, Qt.AlignmentFlag.AlignBottom)
        row.addWidget(self._field_box)
        row.addStretch(1)
        for button in (self.stop, self.save, self.make_mesh):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(self.progress)
        layout.addLayout(row)

    def _button(self, text: str, name: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _make_style(self) -> QWidget:
        self._seed = QLabel()
        self._seed.setObjectName("caption")
        block = QWidget()
        layout = QVBoxLayout(block)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self._seed)
        layout.addWidget(self.style_button)
        return block

    def resizeEvent(self, event: QResizeEvent) -> None:
        # In a small window the buttons matter more.
        self._field_box.setVisible(event.size().width() >= ROOMY)
        super().resizeEvent(event)

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Build the fields as this server describes them; what was set stays set."""
        said = {name: field.value() for name, field in self._fields.items()}
        empty(self._field_row)
        self._fields.clear()
        described = {task.name: task.parameters for task in catalogue.tasks}
        for task, name in FIELDS:
            info = next((known for known in described.get(task, []) if known.name == name), None)
            if info is not None:
                field = self._fields[name] = make_field(info, catalogue.models)
                if name in said:
                    field.set_value(said[name])
                self._field_row.addWidget(captioned(field))
                if isinstance(field.widget, QAbstractSpinBox):
                    field.widget.editingFinished.connect(self.changed)
                if isinstance(field.widget, Segmented):
                    field.widget.changed.connect(lambda _: self.changed.emit())

    def value(self, name: str, otherwise: Any) -> Any:
        """What is set of the parameter ``name``; ``otherwise`` where this server has none."""
        return self._fields[name].value() if name in self._fields else otherwise

    def set_value(self, name: str, value: Any) -> None:
        if name in self._fields:
            self._fields[name].set_value(value)

    def set_seed(self, seed: int) -> None:
        self._seed.setText(self.tr("Style, seed {0}").format(seed))

    def show_job(self, entry: JobEntry | None, text: str, working: bool) -> None:
        """Where it stands; ``working`` says whether there is something to stop."""
        self.progress.show_job(entry, text)
        self.stop.setEnabled(working)
