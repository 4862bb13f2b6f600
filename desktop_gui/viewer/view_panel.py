"""The 3D view with its buttons, a caption, and words where there is nothing to see yet."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from ..icons import icon
from ..theme import DARK, Theme
from .geometry import Geometry
from .viewer import Viewer

EDGE = 8


class ViewPanel(QWidget):
    """``screenshot_wanted`` is the camera button; the others act by themselves."""

    screenshot_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = Viewer(self)
        self.viewer.unavailable.connect(self._show_unavailable)
        self._unavailable = ""
        self._note = ""
        self._caption = QLabel(self)
        self._words = QLabel(self)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setWordWrap(True)
        self._words.setText(self.tr("The object appears here"))
        for label in (self._caption, self._words):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._tools = QWidget(self)
        row = QHBoxLayout(self._tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.turn = self._button(row, "turn", self.tr("Turn around once"))
        self.clay = self._button(row, "clay", self.tr("Clay: shape without colours"), checkable=True)
        self.wire = self._button(row, "wire", self.tr("Show the triangles"), checkable=True)
        self.reset = self._button(row, "reset", self.tr("Back to the start position"))
        self.shot = self._button(row, "camera", self.tr("Save this view as a picture"))
        self.turn.clicked.connect(self.viewer.turn_once)
        self.clay.toggled.connect(lambda on: self.viewer.set_look(replace(self.viewer.look, clay=on)))
        self.wire.toggled.connect(lambda on: self.viewer.set_look(replace(self.viewer.look, wire=on)))
        self.reset.clicked.connect(self.viewer.reset)
        self.shot.clicked.connect(self.screenshot_wanted)
        self.set_theme(DARK)
        self.show_geometry(None)

    def _button(self, row: QHBoxLayout, name: str, tip: str, checkable: bool = False) -> QToolButton:
        button = QToolButton()
        button.setObjectName("overlay")
        button.setProperty("icon_name", name)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setCheckable(checkable)
        row.addWidget(button)
        return button

    def set_theme(self, theme: Theme) -> None:
        for button in (self.turn, self.clay, self.wire, self.reset, self.shot):
            button.setIcon(icon(button.property("icon_name"), theme.text, checked=theme.on_accent))
        look = replace(self.viewer.look, top=QColor(theme.view_top), bottom=QColor(theme.view_bottom))
        self.viewer.set_look(look)
        self._words.setStyleSheet(f"color: {theme.muted}; background: transparent;")
        self._caption.setStyleSheet(f"color: {theme.muted}; background: transparent; font-size: 8.5pt;")

    def show_geometry(self, geometry: Geometry | None, keep_view: bool = False) -> None:
        """Show a mesh, or the words when there is none."""
        self.viewer.show_geometry(geometry, keep_view)
        self._words.setVisible(geometry is None)
        self._tools.setVisible(geometry is not None)
        self._write_caption()

    def set_note(self, text: str) -> None:
        """A word on the object shown, e.g. that its mesh is being made."""
        self._note = text
        self._write_caption()

    def _write_caption(self) -> None:
        geometry = self.viewer.geometry_shown
        parts = [self._note] if self._note else []
        if geometry is not None:
            parts.append(self.tr("{0} triangles").format(QLocale().toString(geometry.triangles)))
        self._caption.setText("  ·  ".join(parts))
        self._place()

    def _show_unavailable(self, why: str) -> None:
        self._words.setText(self.tr("This computer cannot show 3D: OpenGL 3.3 is missing. Meshes can still be saved."))
        self._words.setToolTip(why)
        self._words.show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _place(self) -> None:
        self.viewer.setGeometry(self.rect())
        self._words.setGeometry(self.rect().adjusted(24, 0, -24, 0))
        self._tools.adjustSize()
        self._tools.move(self.width() - self._tools.width() - EDGE, EDGE)
        self._caption.adjustSize()
        self._caption.move(EDGE + 4, self.height() - self._caption.height() - EDGE)
