"""The 3D dock: meshes, and in painting the object as the server draws it, with what can be done to it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from ..panels.segmented import Segmented
from ..theme import Theme
from .field_view import FieldView
from .view_panel import ViewPanel

FIELD, MESH = "field", "mesh"
COLOUR, LABELS = "colour", "labels"


class ObjectPanel(QWidget):
    """Without `set_painting` it is ``picture_view`` alone, the view of what was made of a picture."""

    look_changed = Signal()
    edit_wanted = Signal()

    def __init__(self, picture_view: ViewPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._painting = False
        self.field = FieldView()
        self._picture_view = picture_view
        self.mesh_view = ViewPanel()
        self.look = Segmented([(COLOUR, self.tr("Colours")), (LABELS, self.tr("Labels"))])
        self.look.changed.connect(lambda _: self.look_changed.emit())
        self.what = Segmented([(FIELD, self.tr("Live")), (MESH, self.tr("Mesh"))])
        self.what.button(FIELD).setToolTip(self.tr("The object as the model sees it, following the labels"))
        self.what.button(MESH).setToolTip(self.tr("The mesh that was made of it"))
        self.what.changed.connect(lambda _: self._turn_page())
        self.edit = QPushButton(self.tr("Edit from here"))
        self.edit.setToolTip(self.tr("Put the labels seen from this side on the canvas; the look stays"))
        self.edit.clicked.connect(self.edit_wanted)
        self._bar = QWidget()
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(self.look)
        row.addWidget(self.what)
        row.addStretch(1)
        row.addWidget(self.edit)
        self._pages = QStackedWidget()
        for page in (picture_view, self.field, self.mesh_view):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self._pages, 1)
        self.offer_mesh(False)
        self.set_painting(False)

    def set_theme(self, theme: Theme) -> None:
        for view in (self.field, self.mesh_view):
            view.set_theme(theme)

    def set_painting(self, painting: bool) -> None:
        """Whether the object of a label map is shown, with its buttons."""
        self._bar.setVisible(painting)
        self._painting = painting
        self._turn_page()

    def offer_mesh(self, there: bool, shown: bool = False) -> None:
        """Whether there is a mesh to look at, and whether that is what to look at now."""
        self.what.setVisible(there)
        self.what.set_value(MESH if there and shown else FIELD)
        self._turn_page()

    @property
    def labels_shown(self) -> bool:
        return self.look.value() == LABELS

    def _turn_page(self) -> None:
        field = self.what.value() == FIELD
        painted = self.field if field else self.mesh_view
        self._pages.setCurrentWidget(painted if self._painting else self._picture_view)
        self.edit.setVisible(field)
