"""The labels to paint with, their colours and keys, the brush's size and the model that understands them."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent, qGray
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from protocol.messages import LabelInfo, ModelInfo

from ..state.brush import Brush, Tool
from ..theme import DARK, Theme
from .layouts import empty

COLUMN = 124  # about how wide one must be for a name
KEYS = 9  # labels that have a number key: those after the background
SLIDER_MOST = 64


class LabelButton(QAbstractButton):
    """A colour with its key and its name."""

    def __init__(self, number: int, label: LabelInfo, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour = QColor(*label.colour)
        self._key = str(number) if 0 < number <= KEYS else ""
        self._theme = theme
        self.setText(label.name)
        self.setAccessibleName(label.name)
        self.setToolTip(f"{label.name} ({self._key})" if self._key else label.name)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(96, 30)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        if self.isChecked() or self.underMouse() or self.hasFocus():
            painter.setPen(QPen(QColor(self._theme.accent), 2 if self.isChecked() else 1))
            painter.setBrush(QColor(self._theme.raised))
            painter.drawRoundedRect(room, 7, 7)
        swatch = QRectF(room.left() + 5, room.top() + 4, 24, room.height() - 8)
        painter.setPen(QPen(QColor(self._theme.line), 1))
        painter.setBrush(self._colour)
        painter.drawRoundedRect(swatch, 4, 4)
        painter.setPen(QColor("#101216" if qGray(self._colour.rgb()) > 130 else "#ffffff"))
        painter.drawText(swatch, Qt.AlignmentFlag.AlignCenter, self._key)
        painter.setPen(QColor(self._theme.text))
        text = room.adjusted(36, 0, -4, 0)
        name = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, round(text.width()))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)


class PalettePanel(QWidget):
    """Everything in it comes from the server's catalogue."""

    chosen = Signal(int)
    size_changed = Signal(int)
    model_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = DARK
        self._labels: tuple[LabelInfo, ...] = ()
        self._group = QButtonGroup(self)
        self._models = QComboBox()
        self._models.setAccessibleName(self.tr("Model"))
        self._models.activated.connect(lambda _: self.model_chosen.emit(str(self._models.currentData())))
        self._note = QLabel()
        self._note.setObjectName("caption")
        self._note.setWordWrap(True)
        self._grid = QGridLayout()
        self._grid.setSpacing(2)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._grid)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        self._area = area
        self._empty = QLabel()
        self._empty.setObjectName("muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(6)
        layout.addWidget(self._models)
        layout.addWidget(area, 1)
        layout.addWidget(self._empty)
        layout.addWidget(self._make_size())
        layout.addWidget(self._note)
        self.show_models([], None, "")
        self.show_labels(())

    def _make_size(self) -> QWidget:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, SLIDER_MOST)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setAccessibleName(self.tr("Brush size"))
        self.slider.setToolTip(self.tr("Width of brush and eraser in pixels of the label map ([ and ])"))
        self.slider.valueChanged.connect(self._slide)
        self._size_text = QLabel()
        self._size_text.setObjectName("muted")
        self._size_text.setMinimumWidth(52)
        self._size_row = QWidget()
        row = QHBoxLayout(self._size_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel(self.tr("Size")))
        row.addWidget(self.slider, 1)
        row.addWidget(self._size_text)
        return self._size_row

    @property
    def buttons(self) -> list[LabelButton]:
        """One for each label, in their order."""
        return [button for button in self._group.buttons() if isinstance(button, LabelButton)]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        checked = self._group.checkedId()
        self.show_labels(self._labels)
        if checked in range(len(self._labels)):
            self._group.button(checked).setChecked(True)

    def show_models(self, models: list[ModelInfo], current: ModelInfo | None, why_none: str) -> None:
        """The models to choose from, and the line on the ``current`` one; ``why_none`` where there are none."""
        self._models.clear()
        for model in models:
            self._models.addItem(model.title, model.name)
        self._models.setVisible(len(models) > 1)
        parts = []
        if current is not None:
            self._models.setCurrentIndex(self._models.findData(current.name))
            parts = [current.level, current.good_for, "" if current.ready else current.missing]
        self._note.setText(" · ".join(part for part in parts if part))
        self._note.setVisible(bool(parts))
        self._empty.setText(why_none)

    def show_labels(self, labels: tuple[LabelInfo, ...]) -> None:
        """A button for each of ``labels``, the background first."""
        self._labels = labels
        for button in self._group.buttons():
            self._group.removeButton(button)
        empty(self._grid)
        for number, label in enumerate(labels):
            button = LabelButton(number, label, self._theme)
            button.clicked.connect(lambda _=False, number=number: self.chosen.emit(number))
            self._group.addButton(button, number)
        self._arrange()
        for widget in (self._area, self._size_row):
            widget.setVisible(bool(labels))
        self._empty.setVisible(not labels)

    def _arrange(self) -> None:
        columns = max(1, (self.width() - 20) // COLUMN)
        for number, button in enumerate(self.buttons):
            self._grid.addWidget(button, number // columns, number % columns)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()
        super().resizeEvent(event)

    def show_brush(self, brush: Brush) -> None:
        """Mark what the brush paints."""
        button = self._group.button(0 if brush.tool is Tool.ERASER else brush.label)
        if button is not None:
            button.setChecked(True)
        self.slider.blockSignals(True)
        self.slider.setValue(brush.size)
        self.slider.blockSignals(False)
        self._size_text.setText(self.tr("{0} px").format(brush.size))

    def _slide(self, size: int) -> None:
        self.size_changed.emit(size)
