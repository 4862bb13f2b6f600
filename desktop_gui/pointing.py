"""From clicks to the mask: every change of the prompts asks the server, and the newest answer counts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from protocol import ConnectionState, Job, JobState, Mask, Problem

from .net.connection import Connection, Request
from .state.document import Document
from .state.prompts import Box, Point, Prompts

SETTLE_MS = 30
HOVER_MS = 350
HOVER_STEP = 10.0  # picture pixels that the pointer may tremble and still rest


class Pointing(QObject):
    """The prompts of the current document, their mask, and what a click at the pointer would take."""

    prompts_changed = Signal()
    mask_changed = Signal()
    hover_changed = Signal(object)  # Mask | None
    busy_changed = Signal(bool)
    failed = Signal(object, str)  # Problem, job id

    def __init__(self, connection: Connection, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._connection = connection
        self._document: Document | None = None
        self._job = ""
        self._hover_job = ""
        self._hover_at: Point | None = None
        self._hover_mask: Mask | None = None
        self.choose_model: Callable[[], str] = str  # the model of segment; the server's default when empty
        self.hover_wanted = True
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._ask)
        self._rest = QTimer(self, singleShot=True, interval=HOVER_MS)
        self._rest.timeout.connect(self._ask_hover)
        connection.job_changed.connect(self._on_job)

    @property
    def busy(self) -> bool:
        return bool(self._job) or self._settle.isActive()

    def set_document(self, document: Document | None) -> None:
        """Point at things in ``document`` from now on."""
        self._stop()
        self._document = document
        self.prompts_changed.emit()
        self.mask_changed.emit()

    # --- what the person does ---

    def click(self, x: float, y: float, positive: bool = True, add: bool = False) -> None:
        """Point at picture position (x, y); a click that takes away always adds to what is there."""
        if self._document is not None and self._is_inside(x, y):
            if positive and not add and self._hover_mask is not None and self._covers(self._hover_mask, x, y):
                # What the pointer showed is what was clicked: no need to wait for the same answer again.
                self._document.mask = self._hover_mask
            self.put(self._document.prompts.current.with_point(Point(x, y, positive), add or not positive))

    def drag(self, box: Box, add: bool = False) -> None:
        """Point with a box."""
        if self._document is not None:
            self.put(self._document.prompts.current.with_box(box, add))

    def put(self, prompts: Prompts) -> None:
        """Replace the prompts, as one step that can be undone."""
        if self._document is not None and self._document.prompts.put(prompts):
            self._changed()

    def clear(self) -> None:
        """Take all prompts away."""
        self.put(Prompts())

    def answer(self, mask: Mask) -> None:
        """``mask`` is known to answer the prompts: ask no more."""
        self._stop()
        if self._document is not None:
            self._document.mask, self._document.mask_stale = mask, False
            self.mask_changed.emit()

    def undo(self) -> None:
        if self._document is not None and self._document.prompts.undo():
            self._changed()

    def redo(self) -> None:
        if self._document is not None and self._document.prompts.redo():
            self._changed()

    def hover(self, x: float, y: float) -> None:
        """The pointer moved to (x, y) in the picture."""
        at = self._hover_at
        if at is not None and abs(at.x - x) < HOVER_STEP and abs(at.y - y) < HOVER_STEP:
            return
        covered = self._hover_mask is not None and self._covers(self._hover_mask, x, y)
        if not covered:
            self.leave()
            document = self._document
            if document is not None and document.prompts.current.empty and self.hover_wanted and self._is_inside(x, y):
                self._hover_at = Point(x, y)
                self._rest.start()

    def leave(self) -> None:
        """The pointer is elsewhere: show nothing for it."""
        self._rest.stop()
        self._hover_at = None
        if self._hover_job:
            self._connection.cancel(self._hover_job)
            self._hover_job = ""
        if self._hover_mask is not None:
            self._hover_mask = None
            self.hover_changed.emit(None)

    # --- asking ---

    def _changed(self) -> None:
        assert self._document is not None
        self.leave()
        self._document.mask_stale = True
        if self._document.prompts.current.empty:
            self._document.mask = None
        self.prompts_changed.emit()
        self.mask_changed.emit()
        self._settle.start()
        self.busy_changed.emit(True)

    def _stop(self) -> None:
        self._settle.stop()
        self.leave()
        if self._job:
            self._connection.cancel(self._job)
            self._job = ""
        self.busy_changed.emit(False)

    def _ask(self) -> None:
        self._stop()
        document = self._document
        if document is None or document.prompts.current.empty:
            return
        self._job = self._segment(document, document.prompts.current)
        self.busy_changed.emit(True)

    def _ask_hover(self) -> None:
        document, at = self._document, self._hover_at
        if document is None or at is None or self._connection.state is not ConnectionState.CONNECTED:
            return
        if document.prompts.current.empty:
            self._hover_job = self._segment(document, Prompts((at,)))

    def _segment(self, document: Document, prompts: Prompts) -> str:
        model = self.choose_model()
        parameters = prompts.parameters() | ({"model": model} if model else {})
        return self._connection.submit(
            Request("segment", {"image": document.picture.image}, parameters, label=document.picture.name)
        )

    def _on_job(self, job: Job) -> None:
        if not job.state.is_final or job.id not in (self._job, self._hover_job):
            return
        if job.id == self._hover_job:
            self._hover_job = ""
            if job.outputs is not None:
                self._hover_mask = job.outputs["mask"]
                self.hover_changed.emit(self._hover_mask)
            return
        self._job = ""
        if job.state is JobState.DONE and job.outputs is not None and self._document is not None:
            self._document.mask, self._document.mask_stale = job.outputs["mask"], False
            self.mask_changed.emit()
        elif isinstance(job.problem, Problem):
            self.failed.emit(job.problem, job.id)
        self.busy_changed.emit(False)

    def _is_inside(self, x: float, y: float) -> bool:
        if self._document is None:
            return False
        width, height = self._document.picture.size
        return 0 <= x < width and 0 <= y < height

    @staticmethod
    def _covers(mask: Mask, x: float, y: float) -> bool:
        height, width = mask.pixels.shape
        return 0 <= x < width and 0 <= y < height and bool(mask.pixels[int(y), int(x)])
