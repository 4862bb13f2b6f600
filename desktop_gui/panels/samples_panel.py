"""The samples of a result as thumbnails to choose from."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QBrush, QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..theme import DARK, Theme
from .layouts import empty

SIDE = 116


def checkers(theme: Theme) -> QBrush:
    """The pattern behind transparent pictures."""
    tile = QPixmap(16, 16)
    light, dark = (QColor(theme.raised), QColor(theme.panel))
    tile.fill(light)
    painter = QPainter(tile)
    painter.fillRect(0, 0, 8, 8, dark)
    painter.fillRect(8, 8, 8, 8, dark)
    painter.end()
    return QBrush(tile)


class SampleCard(QAbstractButton):
    """One thumbnail. Dragging it out gives the picture to another program."""

    dragged = Signal(int)

    def __init__(self, index: int, image: QImage, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._index, self._image, self._theme = index, image, theme
        self._pressed_at = QPoint()
        self.setCheckable(True)
        self.setFixedSize(SIDE, SIDE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.tr("Sample {0}").format(index + 1))
        self.setToolTip(self.tr("Sample {0}: click to show it and make its mesh").format(index + 1))

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        far = (event.position().toPoint() - self._pressed_at).manhattanLength() > QApplication.startDragDistance()
        if event.buttons() & Qt.MouseButton.LeftButton and far:
            self.setDown(False)
            self.dragged.emit(self._index)
        else:
            super().mouseMoveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        room = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        painter.setBrush(checkers(self._theme))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(room, 8, 8)
        size = self._image.size().scaled(
            room.adjusted(6, 6, -6, -6).size().toSize(), Qt.AspectRatioMode.KeepAspectRatio
        )
        place = QRectF(0, 0, size.width(), size.height())
        place.moveCenter(room.center())
        painter.drawImage(place, self._image)
        active = self.isChecked() or self.hasFocus() or self.underMouse()
        colour = self._theme.accent if active else self._theme.line
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colour), 3 if self.isChecked() else 1.5))
        painter.drawRoundedRect(room, 8, 8)
        if self.isEnabled():
            badge = QRectF(room.left() + 6, room.top() + 6, 20, 20)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.accent if self.isChecked() else self._theme.raised))
            painter.drawEllipse(badge)
            painter.setPen(QColor(self._theme.on_accent if self.isChecked() else self._theme.text))
            painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(self._index + 1))


class SamplesPanel(QWidget):
    """Thumbnails in a row, most plausible first, a line on what made them, and what can be done with the chosen one."""

    chosen = Signal(int)
    dragged = Signal(int)
    accepted = Signal()
    choose_again = Signal()
    mesh_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = DARK
        self._chosen, self._live = -1, False
        self._cards: list[SampleCard] = []
        self._images: list[QImage] = []
        self._strip = QHBoxLayout()
        self._strip.setSpacing(6)
        self._strip.setContentsMargins(0, 0, 0, 0)
        strip = QWidget()
        strip.setLayout(self._strip)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(strip)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumHeight(SIDE + 16)
        self._area = area
        self._note = QLabel()
        self._note.setObjectName("caption")
        self._note.setWordWrap(True)
        self._empty = QLabel(
            self.tr("Point at an object and make it whole:\nits completions appear here to choose from.")
        )
        self._empty.setObjectName("muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        self.accept = self._button(self.tr("Accept"), self.accepted)
        self.accept.setToolTip(self.tr("Keep the chosen sample and put the others away; they stay with the job"))
        self.again = self._button(self.tr("Choose again"), self.choose_again)
        self.again.setToolTip(self.tr("Show all samples to choose from"))
        self.mesh = self._button(self.tr("Make mesh"), self.mesh_wanted)
        self.mesh.setToolTip(self.tr("Make a mesh of the chosen sample"))
        below = QHBoxLayout()
        below.addWidget(self._note, 1)
        for button in (self.mesh, self.accept, self.again):
            below.addWidget(button)
        layout.addWidget(area)
        layout.addLayout(below)
        layout.addWidget(self._empty)
        layout.addStretch(0)
        self.show_samples([], -1)

    def _button(self, text: str, signal: SignalInstance) -> QPushButton:
        button = QPushButton(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: signal.emit())
        return button

    @property
    def cards(self) -> list[SampleCard]:
        return list(self._cards)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        accepted, flat = not self.again.isHidden(), not self.mesh.isHidden()
        self.show_samples(self._images, self._chosen, self._note.text(), self._live)
        self.mark(self._chosen, accepted, flat)

    def show_samples(self, images: list[QImage], chosen: int, note: str = "", live: bool = True) -> None:
        """Thumbnails in order; ``live`` is False for previews, which cannot be chosen yet."""
        empty(self._strip)
        self._images, self._live = images, live
        self._cards = []
        for index, image in enumerate(images):
            card = SampleCard(index, image, self._theme)
            card.setEnabled(live)
            card.clicked.connect(lambda _=False, index=index: self._choose(index))
            card.dragged.connect(self.dragged)
            self._cards.append(card)
            self._strip.addWidget(card)
        self._strip.addStretch(1)
        self._note.setText(note)
        for widget in (self._area, self._note):
            widget.setVisible(bool(images))
        self._empty.setVisible(not images)
        self.mark(chosen)

    def mark(self, chosen: int, accepted: bool = False, flat: bool = False) -> None:
        """Ring sample ``chosen`` without making the thumbnails anew; once it is accepted it stands alone. ``flat`` says
        that there are no meshes but one can be asked for."""
        self._chosen = chosen
        for index, card in enumerate(self._cards):
            card.setChecked(index == chosen)
            card.setVisible(not accepted or index == chosen)
        several = self._live and len(self._cards) > 1
        self.accept.setVisible(several and not accepted)
        self.again.setVisible(several and accepted)
        self.mesh.setVisible(self._live and flat)

    def _choose(self, index: int) -> None:
        self.mark(index, flat=not self.mesh.isHidden())
        self.chosen.emit(index)
