"""The session behind the window: the open picture, pointing, jobs and what is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from protocol import JobState

from .keeping import Keeping
from .labelling import Labelling
from .making import Making
from .net.background import Background
from .net.connection import Connection
from .orbiting import Orbiting
from .pointing import Pointing
from .qimages import load_picture, picture_of, pyramid, qimage_of
from .state.document import Document, Picture
from .state.jobs import JobEntry
from .state.prompts import Prompts
from .state.results import Result


class Studio(QObject):
    """Joins the parts that know no widgets. The window and its panels listen to its signals and call its methods."""

    document_changed = Signal()
    result_changed = Signal()  # another result or another sample is shown
    mesh_changed = Signal()
    active_changed = Signal()  # the job that works on the open picture
    problem_raised = Signal(object, str)  # Problem, job id
    noted = Signal(str)  # for the history
    whole_elsewhere = Signal(str)  # job id: a picture that is not open has become whole

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.background = Background(self)
        self.connection = Connection(self.background, self)
        self.pointing = Pointing(self.connection, self)
        self.making = Making(self.connection, self.background, self)
        self.labelling = Labelling(self.connection, self)
        self.keeping = Keeping(self.labelling, self.background, self)
        self.orbiting = Orbiting(self.connection, self.labelling, self)
        self.document: Document | None = None
        self.levels: list[QImage] = []  # of the open picture, for drawing
        self._loading = 0
        self._show_when_fetched = ""
        self.pointing.failed.connect(self.problem_raised)
        self.labelling.noted.connect(self.noted)
        self.keeping.failed.connect(lambda problem: self.problem_raised.emit(problem, ""))
        self.making.result_ready.connect(self._on_result)
        self.making.mesh_ready.connect(self._on_mesh)
        self.making.ended.connect(self._on_ended)

    # --- pictures ---

    @property
    def name(self) -> str:
        """What the open picture is called; empty without one."""
        return self.document.picture.name if self.document is not None else ""

    def open_file(self, path: Path) -> None:
        """Open a picture file; a problem with it is raised as a signal."""
        self._open(lambda: load_picture(path))

    def open_image(self, image: QImage, name: str) -> None:
        """Open a picture that is no file, e.g. from the clipboard."""
        self._open(lambda: picture_of(image, name))

    def _open(self, load: Callable[[], Picture], then: Callable[[], None] | None = None) -> None:
        self._loading += 1
        number = self._loading

        def work() -> tuple[Picture, list[QImage]]:
            picture = load()
            return picture, pyramid(qimage_of(picture.image.pixels))

        def done(loaded: tuple[Picture, list[QImage]]) -> None:
            if number != self._loading:
                return
            picture, self.levels = loaded
            self.document = Document(picture)
            self.pointing.set_document(self.document)
            self.document_changed.emit()
            self.result_changed.emit()
            self.mesh_changed.emit()
            self.active_changed.emit()
            if then is not None:
                then()
            else:
                width, height = picture.size
                self.noted.emit(self.tr("Opened {0}, {1} x {2}").format(picture.name, width, height))

        self.background.run(work, done, lambda problem: self.problem_raised.emit(problem, ""))

    # --- making whole ---

    def make_whole(self, task: str, parameters: dict[str, Any]) -> None:
        """Run ``task``, one of state.jobs.TASKS, on the open picture."""
        if self.document is None:
            return
        self.document.job_id = self.making.make_whole(self.document, task, parameters)
        self.noted.emit(self.tr("Making {0} whole").format(self.document.picture.name))
        self.active_changed.emit()

    def choose(self, index: int, parameters: dict[str, Any]) -> None:
        """Show sample ``index`` of the result, and have its mesh made when meshes are wanted and there is none yet."""
        self._choose(index, parameters, accepted=False)

    def _choose(self, index: int, parameters: dict[str, Any], accepted: bool) -> None:
        document = self.document
        if document is None or document.result is None or not 0 <= index < len(document.result.samples):
            return
        document.result.chosen = index
        self.making.remember_choice(document.result, accepted)
        self.result_changed.emit()
        if document.result.sample.mesh is None and not document.result.flat:
            document.job_id = self.making.make_sample(document, document.result, index, parameters)
        else:
            document.job_id = document.result.job_id
        self.mesh_changed.emit()
        self.active_changed.emit()

    def accept(self, accepted: bool = True) -> None:
        """The chosen sample is the one, and the others are put away; or have them back to choose again."""
        if self.document is not None and self.document.result is not None:
            result = self.document.result
            self.making.remember_choice(result, accepted)
            if accepted:
                self.noted.emit(self.tr("Sample {0} of {1} accepted").format(result.chosen + 1, len(result.samples)))
            self.result_changed.emit()

    def make_mesh(self, parameters: dict[str, Any]) -> None:
        """Have a mesh made of the sample shown; from now on choosing another one makes one of that."""
        if self.document is not None and self.document.result is not None:
            result = self.document.result
            result.flat = False
            self._choose(result.chosen, parameters, self.accepted)

    @property
    def accepted(self) -> bool:
        """Whether the sample shown is the accepted one."""
        result = self.document.result if self.document is not None else None
        entry = self.making.jobs.get(result.job_id) if result is not None else None
        return entry is not None and entry.accepted

    @property
    def active(self) -> JobEntry | None:
        """The job that works on the open picture, or that worked on it last."""
        return self.making.jobs.get(self.document.job_id) if self.document is not None else None

    @property
    def running(self) -> JobEntry | None:
        """The active job while it has not ended."""
        active = self.active
        return active if active is not None and not active.ended else None

    def cancel(self) -> None:
        """Stop the job that works on the open picture."""
        if self.running is not None:
            self.making.cancel(self.running.id)

    def show_job(self, job_id: str, then: Callable[[], None] | None = None) -> None:
        """Open the picture of a job with its prompts and its result; ``then`` is called when it is open."""
        entry = self.making.jobs.get(job_id)
        if entry is None:
            return
        self._show_when_fetched = ""
        if self.document is not None and entry.picture and entry.picture == str(self.document.picture.path or ""):
            self._show(entry, then)
        elif entry.picture:
            path = Path(entry.picture)
            self._open(lambda: load_picture(path), lambda: self._show(entry, then))
        else:
            self._show_without_picture(entry)

    def run_again(self, job_id: str) -> None:
        """Run a job again with the same picture, prompts, parameters and seed."""
        entry = self.making.jobs.get(job_id)
        if entry is not None:
            self.show_job(job_id, lambda: self.make_whole(entry.task, dict(entry.parameters)))

    def _show(self, entry: JobEntry, then: Callable[[], None] | None = None) -> None:
        assert self.document is not None
        self.document.job_id = entry.id
        self.pointing.put(Prompts.from_parameters(entry.parameters))
        result = self.making.results.get(entry.id)
        if result is not None:
            self._set_result(result)
        elif entry.state is JobState.DONE:
            self.making.fetch(entry.id)
        elif entry.problem is not None:
            self.problem_raised.emit(entry.problem, entry.id)
        self.active_changed.emit()
        if then is not None:
            then()

    def _show_without_picture(self, entry: JobEntry) -> None:
        """A job whose picture was no file: what the server completed stands in for it."""
        result = self.making.results.get(entry.id)
        if result is not None:
            completed = result.samples[0].completed.pixels
            self._open(lambda: picture_of(qimage_of(completed), entry.label), lambda: self._show(entry))
        elif entry.state is JobState.DONE:
            self._show_when_fetched = entry.id
            self.making.fetch(entry.id)

    # --- what arrives ---

    def _set_result(self, result: Result) -> None:
        assert self.document is not None
        entry = self.making.jobs.get(result.job_id)
        self.document.result = result
        self.document.result_prompts = Prompts.from_parameters(entry.parameters) if entry is not None else None
        if self.document.result_answers:
            self.pointing.answer(result.mask)
        self.result_changed.emit()
        self.mesh_changed.emit()

    def _on_result(self, job_id: str) -> None:
        if self.document is not None and self.document.job_id == job_id:
            self._set_result(self.making.results[job_id])
        elif self._show_when_fetched == job_id:
            self.show_job(job_id)
        else:
            self.whole_elsewhere.emit(job_id)

    def _on_mesh(self, job_id: str, index: int) -> None:
        result = self.document.result if self.document is not None else None
        if result is not None and result.job_id == job_id and result.chosen == index:
            self.mesh_changed.emit()

    def _on_ended(self, job_id: str) -> None:
        entry = self.making.jobs.get(job_id)
        if entry is None:
            return
        words = {
            JobState.DONE: self.tr("{0} is whole"),
            JobState.FAILED: self.tr("{0} failed"),
            JobState.CANCELLED: self.tr("{0} was cancelled"),
        }
        self.noted.emit(words.get(entry.state, self.tr("{0} has expired")).format(entry.label))
        if entry.problem is not None:
            self.problem_raised.emit(entry.problem, job_id)
        self.active_changed.emit()

    def close(self, stop_local: bool) -> None:
        """Leave the server, write what is unsaved, end the threads."""
        self.making.flush()
        self.keeping.flush()
        self.background.close()
        self.connection.close(stop_local)
