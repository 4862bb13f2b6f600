"""What the window shows before a picture is open: the way in, an example, what was open last."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..canvas.zooming import dropped_file
from ..theme import DARK, Theme
from .layouts import empty

RECENT_SHOWN = 5


class ExampleButton(QAbstractButton):
    """The example picture itself, to be clicked."""

    def __init__(self, image: QImage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = image
        self._theme = DARK
        self.setText(self.tr("Try the example"))
        self.setAccessibleName(self.text())
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, 236)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        room = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        shape = QPainterPath()
        shape.addRoundedRect(room, 10, 10)
        painter.setClipPath(shape)
        whole = self._image.size().scaled(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        place = QRectF(0, 0, whole.width(), whole.height())
        place.moveCenter(room.center())
        painter.drawImage(place, self._image)
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance(self.text()) + 30
        pill = QRectF(room.left() + 14, room.bottom() - 48, width, 34)
        active = self.underMouse() or self.hasFocus()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.accent) if active else QColor(14, 16, 20, 220))
        painter.drawRoundedRect(pill, 17, 17)
        painter.setPen(QColor(self._theme.on_accent if active else "#ffffff"))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, self.text())
        painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._theme.accent if active else self._theme.line), 2 if active else 1))
        painter.drawPath(shape)


class StartPage(QWidget):
    """Takes drops anywhere on it."""

    example = Signal()
    open_dialog = Signal()
    opened = Signal(Path)
    job_shown = Signal(str)

    def __init__(self, example: QImage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)
        self.example_button = ExampleButton(example)
        self.example_button.clicked.connect(self.example)
        self._recent = QVBoxLayout()
        self._jobs = QVBoxLayout()
        for column in (self._recent, self._jobs):
            column.setSpacing(1)
        self._card = self._make_card()
        side = self._make_side()
        middle = QHBoxLayout()
        middle.setSpacing(28)
        middle.addStretch(1)
        middle.addWidget(self._card, 0, Qt.AlignmentFlag.AlignTop)
        middle.addWidget(side, 0, Qt.AlignmentFlag.AlignTop)
        middle.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(32, 24, 32, 24)
        layout.addStretch(2)
        layout.addLayout(middle)
        layout.addStretch(3)

    def _make_card(self) -> QFrame:
        card = QFrame()
        card.setObjectName("card")
        card.setFixedWidth(470)
        title = QLabel(self.tr("Make an object whole"))
        title.setObjectName("title")
        text = QLabel(
            self.tr("Point at an object in a photo. Its hidden part is completed, and it becomes a mesh you can turn.")
        )
        text.setObjectName("subtitle")
        text.setWordWrap(True)
        self.open_button = QPushButton(self.tr("Open a picture"))
        self.open_button.setObjectName("primary")
        self.open_button.clicked.connect(self.open_dialog)
        drop = QLabel(self.tr("or drop one anywhere here"))
        drop.setObjectName("muted")
        row = QHBoxLayout()
        row.addWidget(self.open_button)
        row.addWidget(drop)
        row.addStretch(1)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(24, 22, 24, 24)
        layout.setSpacing(12)
        for widget in (title, text, self.example_button):
            layout.addWidget(widget)
        layout.addLayout(row)
        return card

    def _make_side(self) -> QWidget:
        self._side = QWidget()
        self._side.setFixedWidth(300)
        layout = QVBoxLayout(self._side)
        layout.setContentsMargins(0, 10, 0, 0)
        self._jobs_title, self._recent_title = QLabel(self.tr("Your objects")), QLabel(self.tr("Recent pictures"))
        for title in (self._jobs_title, self._recent_title):
            title.setObjectName("heading")
        layout.addWidget(self._jobs_title)
        layout.addLayout(self._jobs)
        layout.addSpacing(14)
        layout.addWidget(self._recent_title)
        layout.addLayout(self._recent)
        return self._side

    def set_theme(self, theme: Theme) -> None:
        self.example_button.set_theme(theme)

    def show_recent(self, paths: list[Path]) -> None:
        """Links to pictures opened before."""
        _refill(self._recent, [(path.name, str(path), self._opener(path)) for path in paths[:RECENT_SHOWN]])
        self._recent_title.setVisible(bool(paths))
        self._fold_side()

    def show_jobs(self, jobs: list[tuple[str, str, str]]) -> None:
        """Links to jobs: id, name, state."""
        links = [(f"{name}  —  {state}", state, self._shower(job_id)) for job_id, name, state in jobs[:RECENT_SHOWN]]
        _refill(self._jobs, links)
        self._jobs_title.setVisible(bool(jobs))
        self._fold_side()

    def _fold_side(self) -> None:
        self._side.setVisible(bool(self._recent.count() or self._jobs.count()))

    def _opener(self, path: Path):
        return lambda: self.opened.emit(path)

    def _shower(self, job_id: str):
        return lambda: self.job_shown.emit(job_id)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_file(event) is not None:
            event.acceptProposedAction()
            self._mark("dropping")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark("card")

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark("card")
        path = dropped_file(event)
        if path is not None:
            event.acceptProposedAction()
            self.opened.emit(path)

    def _mark(self, name: str) -> None:
        self._card.setObjectName(name)
        self._card.style().unpolish(self._card)
        self._card.style().polish(self._card)


def _refill(column: QVBoxLayout, links: list) -> None:
    empty(column)
    for text, tip, act in links:
        link = QPushButton()
        link.setObjectName("link")
        link.setText(link.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, 290))
        link.setToolTip(tip)
        link.setCursor(Qt.CursorShape.PointingHandCursor)
        link.clicked.connect(lambda _=False, act=act: act())
        column.addWidget(link)
