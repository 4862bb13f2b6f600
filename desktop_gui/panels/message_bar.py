"""What the person should know, above the canvas: a sentence, what to do, details behind a fold. Never a dialog."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from protocol import Problem

from ..icons import icon, pixmap
from ..theme import DARK, Theme
from .layouts import empty

NOTICE_MS = 8000


@dataclass(frozen=True)
class Offer:
    """A button of a message."""

    text: str
    act: Callable[[], None]


class MessageBar(QFrame):
    """One message at a time; a newer one replaces it, except that notices never hide a problem."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self._theme = DARK
        self._kind = ""
        self.topic = ""  # what the message is about, so that it can be taken back
        self._symbol = QLabel()
        self._symbol.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._what, self._hint, self._details = QLabel(), QLabel(), QLabel()
        self._what.setObjectName("stage")
        for label in (self._what, self._hint, self._details):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._details.setObjectName("caption")
        self._fold = QToolButton()
        self._fold.setText(self.tr("Details"))
        self._fold.setCheckable(True)
        self._fold.toggled.connect(lambda on: self._details.setVisible(on))
        self._close = QToolButton()
        self._close.setAccessibleName(self.tr("Close"))
        self._close.clicked.connect(self.dismiss)
        self._offers = QHBoxLayout()
        self._offers.setSpacing(6)
        text = QVBoxLayout()
        text.setSpacing(2)
        for widget in (self._what, self._hint, self._details):
            text.addWidget(widget)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 9, 8, 9)
        layout.setSpacing(10)
        layout.addWidget(self._symbol)
        layout.addLayout(text, 1)
        layout.addLayout(self._offers)
        layout.addWidget(self._fold)
        layout.addWidget(self._close)
        self._leave = QTimer(self, singleShot=True, interval=NOTICE_MS)
        self._leave.timeout.connect(self.dismiss)
        self.hide()

    @property
    def text(self) -> str:
        """The message and its hint, empty when none is shown."""
        return f"{self._what.text()} {self._hint.text()}".strip() if self.isVisible() else ""

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._close.setIcon(icon("clear", theme.muted))
        self._dress()

    def show_problem(self, problem: Problem, topic: str, job_id: str = "", offers: Sequence[Offer] = ()) -> None:
        """A problem: what happened, what to do, and where the log has more."""
        details = [self.tr("Kind: {0}").format(problem.code.value)]
        if job_id:
            details.append(self.tr("Job: {0}").format(job_id))
        if problem.reference:
            details.append(self.tr("In the server's log: {0}").format(problem.reference))
        self._show("problem", topic, problem.message, problem.hint, "\n".join(details), offers)

    def show_waiting(self, text: str, hint: str, topic: str, offers: Sequence[Offer] = ()) -> None:
        """Something is under way and will end by itself."""
        self._show("waiting", topic, text, hint, "", offers)

    def show_notice(self, text: str, topic: str, offers: Sequence[Offer] = (), hint: str = "") -> None:
        """Good news; goes away by itself."""
        if self._kind != "problem":
            self._show("notice", topic, text, hint, "", offers)
            self._leave.start()

    def dismiss(self, topic: str | bool = False) -> None:
        """Take the message away; with a ``topic`` only when it is about that."""
        if not isinstance(topic, str) or topic == self.topic:
            self._leave.stop()
            self._kind = self.topic = ""
            self.hide()

    def _show(self, kind: str, topic: str, what: str, hint: str, details: str, offers: Sequence[Offer]) -> None:
        self._leave.stop()
        self._kind, self.topic = kind, topic
        self._what.setText(what)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._details.setText(details)
        self._fold.setVisible(bool(details))
        self._fold.setChecked(False)
        self._details.setVisible(False)
        empty(self._offers)
        for offer in offers:
            button = QPushButton(offer.text)
            button.clicked.connect(offer.act)
            self._offers.addWidget(button)
        self._dress()
        self.show()

    def _dress(self) -> None:
        if not self._kind:
            return
        colour = {"problem": self._theme.bad, "waiting": self._theme.warn}.get(self._kind, self._theme.good)
        self._symbol.setPixmap(pixmap(self._kind, colour, 20, self.devicePixelRatioF()))
        self.setProperty("kind", self._kind)
        self.style().unpolish(self)
        self.style().polish(self)
