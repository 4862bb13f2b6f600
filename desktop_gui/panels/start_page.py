"""What the window shows at first: the two ways in, an example of each, what was open last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..canvas.zooming import dropped_file
from ..theme import DARK, Theme
from .layouts import empty

RECENT_SHOWN = 4
CARD_WIDTH = 390
LINK_WIDTH = 235


class ExampleButton(QAbstractButton):
    """The example picture itself, to be clicked."""

    def __init__(self, image: QImage, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = image
        self._theme = DARK
        self.setText(text)
        self.setAccessibleName(self.text())
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMaximumHeight(self.sizeHint().height())

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(CARD_WIDTH - 40, 210)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 96)

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
        painter.setOpacity(1.0 if self.isEnabled() else 0.35)
        painter.drawImage(place, self._image)
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance(self.text()) + 30
        pill = QRectF(room.left() + 14, room.bottom() - 48, width, 34)
        active = self.isEnabled() and (self.underMouse() or self.hasFocus())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.accent) if active else QColor(14, 16, 20, 220))
        painter.drawRoundedRect(pill, 17, 17)
        painter.setPen(QColor(self._theme.on_accent if active else "#ffffff"))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, self.text())
        painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._theme.accent if active else self._theme.line), 2 if active else 1))
        painter.drawPath(shape)


class Card(QFrame):
    """One way in: a title, what it does, an example, and a button to begin with one's own."""

    def __init__(self, title: str, text: str, example: ExampleButton, begin: QPushButton, beside: QWidget) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setMinimumWidth(CARD_WIDTH - 90)
        self.setMaximumWidth(CARD_WIDTH)
        heading, words = QLabel(title), QLabel(text)
        heading.setObjectName("title")
        heading.setWordWrap(True)
        words.setObjectName("subtitle")
        words.setWordWrap(True)
        begin.setObjectName("primary")
        row = QHBoxLayout()
        row.addWidget(begin)
        row.addWidget(beside)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 18)
        layout.setSpacing(10)
        for widget in (heading, words):
            layout.addWidget(widget)
        layout.addWidget(example, 1)
        layout.addLayout(row)

    def mark(self, dropping: bool) -> None:
        """Show, or show no more, that what is dragged would be dropped here."""
        self.setObjectName("dropping" if dropping else "card")
        self.style().unpolish(self)
        self.style().polish(self)


class LinkList(QWidget):
    """What was in work last, to be gone on with; hidden where there is nothing."""

    def __init__(self, title: str) -> None:
        super().__init__()
        heading = QLabel(title)
        heading.setObjectName("heading")
        self._links = QVBoxLayout()
        self._links.setSpacing(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading)
        layout.addLayout(self._links)

    def show_links(self, links: list[tuple[str, str, Callable[[], None]]]) -> None:
        """The first of ``links``: text, tip, and what a click does."""
        empty(self._links)
        for text, tip, act in links[:RECENT_SHOWN]:
            link = QPushButton()
            link.setObjectName("link")
            link.setText(link.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, LINK_WIDTH))
            link.setToolTip(tip)
            link.setCursor(Qt.CursorShape.PointingHandCursor)
            link.clicked.connect(lambda _=False, act=act: act())
            self._links.addWidget(link)
        self.setVisible(bool(links))


class StartPage(QWidget):
    """Takes drops anywhere on it: on the card of label maps as one, elsewhere as a picture."""

    example = Signal()
    open_dialog = Signal()
    opened = Signal(Path)
    job_shown = Signal(str)
    label_example = Signal()
    blank = Signal()
    labels_opened = Signal(Path)
    painting_shown = Signal(str)

    def __init__(self, example: QImage, label_example: QImage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)
        self.example_button = ExampleButton(example, self.tr("Try the example"))
        self.example_button.clicked.connect(self.example)
        self.open_button = QPushButton(self.tr("Open a picture"))
        self.open_button.clicked.connect(self.open_dialog)
        drop = QLabel(self.tr("or drop one here"))
        drop.setObjectName("muted")
        self._photo = Card(
            self.tr("Make an object whole"),
            self.tr("Point at an object in a photo. Its hidden part is completed, and it becomes a mesh you can turn."),
            self.example_button,
            self.open_button,
            drop,
        )
        self.label_example_button = ExampleButton(label_example, self.tr("Try the example"))
        self.label_example_button.clicked.connect(self.label_example)
        self.blank_button = QPushButton(self.tr("Paint"))
        self.blank_button.clicked.connect(self.blank)
        self._why = QLabel(self.tr("or drop a label map here"))
        self._why.setWordWrap(True)
        self._why.setMinimumWidth(180)
        self._why.setObjectName("muted")
        self._paint = Card(
            self.tr("Paint labels, get an object"),
            self.tr("Paint which part is where. The object appears in 3D, follows every stroke, and becomes a mesh."),
            self.label_example_button,
            self.blank_button,
            self._why,
        )
        self._jobs = LinkList(self.tr("Your objects"))
        self._recent = LinkList(self.tr("Recent pictures"))
        self._paintings = LinkList(self.tr("Your label maps"))
        cards = QHBoxLayout()
        cards.setSpacing(24)
        cards.addStretch(1)
        for card in (self._photo, self._paint):
            cards.addWidget(card, 100)
        cards.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 16, 24, 12)
        layout.setSpacing(14)
        layout.addStretch(2)
        layout.addLayout(cards, 1)
        layout.addLayout(self._make_lists())
        layout.addStretch(3)

    def _make_lists(self) -> QHBoxLayout:
        lists = QWidget()
        lists.setMaximumWidth(2 * CARD_WIDTH + 24)
        layout = QHBoxLayout(lists)
        layout.setContentsMargins(20, 0, 20, 0)
        layout.setSpacing(24)
        for each in (self._jobs, self._recent, self._paintings):
            layout.addWidget(each, 1, Qt.AlignmentFlag.AlignTop)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(lists, 100)
        row.addStretch(1)
        return row

    def allow_painting(self, why_not: str) -> None:
        """Whether labels can be painted: ``why_not`` says why not, empty where they can."""
        for button in (self.blank_button, self.label_example_button):
            button.setEnabled(not why_not)
        self._why.setText(why_not or self.tr("or drop a label map here"))

    def set_theme(self, theme: Theme) -> None:
        for button in (self.example_button, self.label_example_button):
            button.set_theme(theme)

    def show_recent(self, paths: list[Path]) -> None:
        """Links to pictures opened before."""
        self._recent.show_links([(path.name, str(path), self._opener(path)) for path in paths])

    def show_jobs(self, jobs: list[tuple[str, str, str]]) -> None:
        """Links to jobs: id, name, state."""
        self._jobs.show_links([(f"{name}  —  {state}", state, self._shower(job_id)) for job_id, name, state in jobs])

    def show_paintings(self, paintings: list[tuple[str, str, str]]) -> None:
        """Links to label maps painted before: id, name, when."""
        self._paintings.show_links(
            [(f"{name}  —  {when}", when, self._painter(kept)) for kept, name, when in paintings]
        )

    def _opener(self, path: Path):
        return lambda: self.opened.emit(path)

    def _shower(self, job_id: str):
        return lambda: self.job_shown.emit(job_id)

    def _painter(self, painting_id: str):
        return lambda: self.painting_shown.emit(painting_id)

    def _card_at(self, event: QDragMoveEvent | QDropEvent) -> Card:
        return self._paint if self._paint.geometry().contains(event.position().toPoint()) else self._photo

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_file(event) is not None:
            event.acceptProposedAction()
            self._mark(self._card_at(event))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._mark(self._card_at(event))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(None)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(None)
        path = dropped_file(event)
        if path is not None:
            event.acceptProposedAction()
            (self.labels_opened if self._card_at(event) is self._paint else self.opened).emit(path)

    def _mark(self, marked: Card | None) -> None:
        for card in (self._photo, self._paint):
            card.mark(card is marked)
