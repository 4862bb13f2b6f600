"""Below the canvas: how the object is to be made, the big button, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from protocol import JobState

from ..state.jobs import MESH, PICTURE, JobEntry
from .job_progress import JobProgress
from .parameters import Parameters
from .segmented import Segmented
from .wording import progress_text

MORE_HEIGHT = 250


class ActionBar(QFrame):
    """Shows one job at a time: the one that works on the open picture."""

    run = Signal()
    cancel = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.parameters = Parameters(MESH)
        self._progress = JobProgress()
        self._make_choice()
        self._make_buttons()
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self.parameters)
        row.addWidget(self.more, 0, Qt.AlignmentFlag.AlignBottom)
        row.addStretch(1)
        row.addWidget(self.save, 0, Qt.AlignmentFlag.AlignBottom)
        row.addWidget(self._buttons, 0, Qt.AlignmentFlag.AlignBottom)
        self.parameters.more.setVisible(False)
        above = QHBoxLayout()
        above.setSpacing(16)
        above.addWidget(self._progress, 1)
        above.addWidget(self.make)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(self.parameters.more)
        layout.addLayout(above)
        layout.addLayout(row)
        self.show_job(None, connected=False)

    def _make_choice(self) -> None:
        self.make = Segmented([(MESH, self.tr("Mesh")), (PICTURE, self.tr("Picture"))])
        self.make.setAccessibleName(self.tr("Make"))
        self.make.button(MESH).setToolTip(self.tr("Make the completed picture and a mesh of it"))
        self.make.button(PICTURE).setToolTip(self.tr("Make the completed picture alone, with its masks"))
        self.make.changed.connect(self.parameters.set_task)

    def set_make(self, task: str) -> None:
        """What the big button makes."""
        self.make.set_value(task)
        self.parameters.set_task(self.make.value())

    def _make_buttons(self) -> None:
        self.more = QToolButton()
        self.more.setText(self.tr("More"))
        self.more.setCheckable(True)
        self.more.setToolTip(self.tr("All other settings"))
        self.more.toggled.connect(self._show_more)
        self.make_whole = QPushButton(self.tr("Make whole"))
        self.make_whole.setObjectName("primary")
        self.make_whole.clicked.connect(self.run)
        self.make_whole.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.stop = QPushButton(self.tr("Cancel"))
        self.stop.setObjectName("danger")
        self.stop.clicked.connect(self.cancel)
        self.stop.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.save = QPushButton(self.tr("Save"))
        self.save.setObjectName("second")
        self.save.setToolTip(self.tr("Save the mesh, the completed picture or the masks"))
        self._buttons = QStackedWidget()
        self._buttons.addWidget(self.make_whole)
        self._buttons.addWidget(self.stop)
        self._buttons.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def _words(self, entry: JobEntry | None, connected: bool) -> str:
        if entry is None:
            return self.tr("Point at an object. With nothing pointed at, what stands out most is made whole.")
        if entry.state is JobState.DONE:
            if entry.task == PICTURE:
                return self.tr("Done. Choose among the samples, accept one, save it.")
            return self.tr("Done. Choose among the samples, turn the object, save it.")
        return progress_text(entry, connected)

    def _show_more(self, shown: bool) -> None:
        form = self.parameters.more.widget()
        if form is not None:
            width = self.width() - 32
            height = form.heightForWidth(width) if form.hasHeightForWidth() else form.sizeHint().height()
            self.parameters.more.setFixedHeight(min(height + 2, MORE_HEIGHT))
        self.parameters.more.setVisible(shown)

    @property
    def stage_text(self) -> str:
        return self._progress.text

    def set_ready(self, ready: bool, why_not: str = "") -> None:
        """Whether the big button may be pressed; ``why_not`` is its tip otherwise."""
        self.make_whole.setEnabled(ready)
        self.make_whole.setToolTip(why_not or self.tr("Complete the object and make a mesh of it (Ctrl+Return)"))

    def show_job(self, entry: JobEntry | None, connected: bool) -> None:
        """Where the job stands; None when there is none on this picture."""
        running = entry is not None and not entry.ended
        self._buttons.setCurrentWidget(self.stop if running else self.make_whole)
        self._progress.show_job(entry, self._words(entry, connected))
        if entry is not None and running:
            self.stop.setEnabled(not entry.cancelling)
            self.stop.setText(self.tr("Cancelling") if entry.cancelling else self.tr("Cancel"))
