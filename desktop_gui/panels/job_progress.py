"""One job: a line on where it stands, how long it still takes, and a bar."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from ..state.jobs import JobEntry
from .wording import eta_text

BAR_STEPS = 1000


class JobProgress(QWidget):
    """As high without a job as with one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stage = QLabel()
        self._stage.setObjectName("stage")
        self._stage.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._eta = QLabel()
        self._eta.setObjectName("muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, BAR_STEPS)
        keep = self._bar.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # or the picture would jump when a job begins
        self._bar.setSizePolicy(keep)
        line = QHBoxLayout()
        line.addWidget(self._stage, 1)
        line.addWidget(self._eta)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(line)
        layout.addWidget(self._bar)

    @property
    def text(self) -> str:
        return self._stage.text()

    def show_job(self, entry: JobEntry | None, text: str) -> None:
        """``text`` on ``entry``, or on there being none."""
        running = entry is not None and not entry.ended
        self._stage.setText(text)
        self._stage.setEnabled(entry is not None)
        self._stage.setToolTip(text)
        self._eta.setText(eta_text(entry) if entry is not None else "")
        self._bar.setVisible(running)
        if entry is not None and running:
            self._bar.setRange(0, 0 if entry.fraction <= 0 else BAR_STEPS)
            self._bar.setValue(round(entry.fraction * BAR_STEPS))
