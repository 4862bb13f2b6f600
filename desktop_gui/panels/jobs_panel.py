"""The list of jobs: a row each with picture, state, bar and what can be done with it."""

from __future__ import annotations

import time

from PySide6.QtCore import QLocale, QPoint, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..icons import icon
from ..state.jobs import JobEntry
from ..theme import DARK, Theme
from .job_progress import BAR_STEPS
from .wording import eta_text, progress_text

THUMBNAIL = 44


class JobRow(QFrame):
    """One job. A double click shows it."""

    shown = Signal(str)
    cancelled = Signal(str)
    removed = Signal(str)
    asked = Signal(str, QPoint)  # for its menu

    def __init__(self, entry: JobEntry, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job_id = entry.id
        self.setObjectName("row")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(lambda at: self.asked.emit(self.job_id, self.mapToGlobal(at)))
        self._ended = entry.ended
        self._picture = QLabel()
        self._picture.setFixedSize(THUMBNAIL, THUMBNAIL)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._name, self._when, self._state = QLabel(), QLabel(), QLabel()
        self._name.setObjectName("stage")
        self._when.setObjectName("caption")
        self._state.setObjectName("caption")
        self._state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, BAR_STEPS)
        self.stop = QToolButton()
        self.stop.clicked.connect(self._stop)
        top = QHBoxLayout()
        top.addWidget(self._name, 1)
        top.addWidget(self._when)
        text = QVBoxLayout()
        text.setSpacing(3)
        text.addLayout(top)
        text.addWidget(self._state)
        text.addWidget(self._bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 6, 6, 6)
        layout.setSpacing(10)
        layout.addWidget(self._picture)
        layout.addLayout(text, 1)
        layout.addWidget(self.stop)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self.stop.setIcon(icon("clear", theme.muted, disabled=theme.line))

    def show_entry(self, entry: JobEntry, image: QImage | None, connected: bool, current: bool) -> None:
        """What is known of the job now."""
        self._ended = entry.ended
        self._name.setText(entry.label or self.tr("Object"))
        self._when.setText(_when(entry.created))
        text = " · ".join(part for part in (progress_text(entry, connected), eta_text(entry)) if part)
        self._state.setText(text)
        self.setToolTip(text if entry.problem is None else f"{text}\n{entry.problem.hint}")
        self._bar.setVisible(not entry.ended)
        self._bar.setRange(0, BAR_STEPS if entry.fraction > 0 else 0)
        self._bar.setValue(round(entry.fraction * BAR_STEPS))
        self.stop.setEnabled(not entry.cancelling)
        self.stop.setToolTip(self.tr("Remove from the list") if entry.ended else self.tr("Cancel"))
        self.stop.setAccessibleName(self.stop.toolTip())
        if image is not None:
            self._picture.setPixmap(_fitted(image, self.devicePixelRatioF()))
        if self.property("current") != current:
            self.setProperty("current", current)
            self.style().unpolish(self)
            self.style().polish(self)

    def _stop(self) -> None:
        (self.removed if self._ended else self.cancelled).emit(self.job_id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.shown.emit(self.job_id)


class JobsPanel(QScrollArea):
    """Newest first."""

    shown = Signal(str)
    cancelled = Signal(str)
    removed = Signal(str)
    run_again = Signal(str)
    settings_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._theme = DARK
        self.rows: dict[str, JobRow] = {}
        self._empty = QLabel(self.tr("Jobs appear here and stay until you remove them."))
        self._empty.setObjectName("muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        inner = QWidget()
        self._layout = QVBoxLayout(inner)
        self._layout.setContentsMargins(6, 6, 6, 6)
        self._layout.setSpacing(2)
        self._layout.addWidget(self._empty)
        self._layout.addStretch(1)
        self.setWidget(inner)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for row in self.rows.values():
            row.set_theme(theme)

    def show_list(self, entries: list[JobEntry]) -> None:
        """Rows for ``entries`` in this order; `show_entry` fills them."""
        wanted = {entry.id for entry in entries}
        for job_id in [job_id for job_id in self.rows if job_id not in wanted]:
            self.rows.pop(job_id).deleteLater()
        for number, entry in enumerate(entries):
            row = self.rows.get(entry.id)
            if row is None:
                row = self.rows[entry.id] = JobRow(entry, self._theme)
                row.shown.connect(self.shown)
                row.cancelled.connect(self.cancelled)
                row.removed.connect(self.removed)
                row.asked.connect(self._menu)
            if self._layout.indexOf(row) != number:
                self._layout.insertWidget(number, row)
        self._empty.setVisible(not entries)

    def show_entry(self, entry: JobEntry, image: QImage | None, connected: bool, current: bool) -> None:
        row = self.rows.get(entry.id)
        if row is not None:
            row.show_entry(entry, image, connected, current)

    def _menu(self, job_id: str, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, signal in (
            (self.tr("Show"), self.shown),
            (self.tr("Run again with the same settings and seed"), self.run_again),
            (self.tr("Use its settings"), self.settings_wanted),
            (self.tr("Remove"), self.removed),
        ):
            menu.addAction(text, lambda signal=signal: signal.emit(job_id))
        menu.popup(at)


def _when(created: float) -> str:
    made, now = time.localtime(created), time.localtime()
    if made[:3] == now[:3]:
        return time.strftime("%H:%M", made)
    return QLocale().monthName(made.tm_mon, QLocale.FormatType.ShortFormat) + f" {made.tm_mday}"


def _fitted(image: QImage, ratio: float) -> QPixmap:
    side = round(THUMBNAIL * ratio)
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    pixmap = QPixmap.fromImage(image.scaled(side, side, keep, smooth))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
