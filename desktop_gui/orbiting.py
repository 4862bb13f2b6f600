"""Looking at a field from all sides: the server draws each view, coarse while the mouse drags, fine when it rests."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from protocol import Camera, ErrorCode, Image, Job

from .labelling import Labelling
from .net.connection import Connection, Request
from .net.latest import Latest
from .state.labelled import Made, View
from .state.orbit import Orbit

REST_MS = 160
FINE = 256  # pixels a side
COARSE = (32, 48, 64, 96, 128)
QUICK_S, SLOW_S = 0.08, 0.22  # a coarse view that takes less may be larger, one that takes more must be smaller


@dataclass(frozen=True, eq=False)
class _Wanted:
    made: Made
    orbit: Orbit
    size: int
    began: float


class Orbiting(QObject):
    """``shown`` is the view to look at, ``orbit`` where the person wants to look from."""

    shown_changed = Signal()
    busy_changed = Signal()
    failed = Signal(object, str)  # Problem, job id

    def __init__(self, connection: Connection, labelling: Labelling, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labelling = labelling
        self.orbit = Orbit()
        self.home = Orbit()
        self.shown: View | None = None
        self._coarse = COARSE[2]
        self._editing: Orbit | None = None
        self._views = Latest(connection, self)
        self._edits = Latest(connection, self)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(lambda: self._ask(FINE))
        self._views.answered.connect(self._on_view)
        self._views.busy_changed.connect(self.busy_changed)
        self._edits.answered.connect(self._on_edit)
        self._edits.busy_changed.connect(self.busy_changed)
        labelling.made_changed.connect(self._on_made)
        labelling.preview_arrived.connect(self._on_preview)

    @property
    def fetching_labels(self) -> bool:
        """Whether the labels to edit from this side are on their way."""
        return self._editing is not None

    @property
    def busy(self) -> bool:
        """Whether a better view than the one shown is still to come."""
        return self._views.busy or self._rest.isActive()

    # --- what the person does ---

    def move(self, orbit: Orbit) -> None:
        """Look from ``orbit``: a coarse view as soon as can be, a fine one when there is no more moving."""
        self.orbit = orbit
        if self._labelling.made is not None:
            self._rest.start()
            self._ask(self._coarse)

    def reset(self) -> None:
        """Back to where the label map is seen from."""
        self._rest.stop()
        self._go_home()

    def edit_from_here(self) -> None:
        """Have the labels seen from here on the canvas."""
        made = self._labelling.made
        if made is not None:
            # However near the person has come, the labels are painted at the size that the model knows.
            self._editing = replace(self.home, azimuth=self.orbit.azimuth, elevation=self.orbit.elevation)
            self._ask_labels(made)

    # --- asking ---

    def _ask(self, size: int) -> None:
        made = self._labelling.made
        if made is not None:
            running = self._views.running
            # A fine view of an earlier position would only be waited for.
            outdates = isinstance(running, _Wanted) and (running.size > self._coarse or running.made is not made)
            self._views.ask(*self._render(made, self.orbit, size), outdates)

    def _ask_labels(self, made: Made) -> None:
        document = self._labelling.document
        if document is not None and self._editing is not None:
            self._edits.ask(*self._render(made, self._editing, document.size[0]))

    def _render(self, made: Made, orbit: Orbit, size: int) -> tuple[Request, _Wanted]:
        request = Request("render", {"object": made.field, "cameras": [orbit.camera()]}, {"size": size})
        return request, _Wanted(made, orbit, size, time.monotonic())

    # --- answers ---

    def _on_made(self) -> None:
        made = self._labelling.made
        if made is None:
            self._editing = None
            self._views.stop()
            self._edits.stop()
            self._rest.stop()
            self.shown = None
            self.shown_changed.emit()
            return
        home, was_there = Orbit.of_camera(made.camera), self.orbit.near(self.home)
        moved, self.home = not home.near(self.home), home
        if was_there or moved or self.shown is None:
            self._go_home()
        else:
            self._ask(self._coarse)
            self._rest.start()
        if self._editing is not None:
            self._ask_labels(made)

    def _go_home(self) -> None:
        made = self._labelling.made
        self.orbit = self.home
        self._views.stop()
        if made is not None:
            self._show(View(self.home, made.image, made.labels))

    def _on_preview(self, image: Image, camera: Camera | None) -> None:
        """A first look at what is being made, where that is the side looked at."""
        home = Orbit.of_camera(camera) if camera is not None else self.home
        if self.shown is None or self.orbit.near(home):
            self._show(View(self.orbit, image, coarse=True))

    def _on_view(self, job: Job, wanted: _Wanted) -> None:
        if job.outputs is None:
            self._lost_or_failed(job, wanted.made)
            return
        self._labelling.works()
        took = time.monotonic() - wanted.began
        coarse = wanted.size < FINE
        if coarse:
            self._adapt(took)
        if wanted.made is self._labelling.made:
            self._show(View.of(wanted.orbit, job.outputs, coarse))

    def _adapt(self, took: float) -> None:
        at = COARSE.index(self._coarse)
        step = 1 if took < QUICK_S else -1 if took > SLOW_S else 0
        self._coarse = COARSE[min(max(at + step, 0), len(COARSE) - 1)]

    def _on_edit(self, job: Job, wanted: _Wanted) -> None:
        made = self._labelling.made
        if job.outputs is not None and made is wanted.made:
            self._labelling.works()
            self._editing = None
            labels = View.of(wanted.orbit, job.outputs, coarse=False).labels
            if labels is not None:
                self._labelling.edit_from(wanted.made, labels, wanted.orbit.camera())
        elif job.outputs is None and not self._lost_or_failed(job, wanted.made):
            self._editing = None
        self.busy_changed.emit()

    def _lost_or_failed(self, job: Job, made: Made) -> bool:
        """Whether what is wanted will come all the same, as it is asked of a newer field."""
        if made is not self._labelling.made:
            return self._labelling.made is not None
        if job.problem is None:
            return False
        if job.problem.code is ErrorCode.NOT_FOUND and self._labelling.renew(made):
            return True
        self.failed.emit(job.problem, job.id)
        return False

    def _show(self, view: View) -> None:
        self.shown = view
        self.shown_changed.emit()
