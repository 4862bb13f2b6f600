"""Jobs that make objects whole: asked for, followed, kept over restarts, removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from protocol import ConnectionState, ErrorCode, Image, Job, JobState, Mesh, Problem
from protocol.client import Inputs
from protocol.connection import config_dir
from protocol.messages import JobSummary
from protocol.values import Value

from .net.background import Background
from .net.connection import Connection, Request
from .qimages import png_bytes, qimage_of, scaled
from .state.document import Document
from .state.jobs import MESH, TASKS, JobEntry, JobList
from .state.pictures import cut_out
from .state.results import Result, note_of

THUMBNAIL = 112
SAVE_MS = 400

Previews = dict[str, dict[str, Value | list[Value]]]


def jobs_dir() -> Path:
    """Where the list of jobs and their thumbnails are kept."""
    return config_dir() / "desktop"


class Making(QObject):
    """The list of jobs and the results that were fetched in this run of the program."""

    list_changed = Signal()
    entry_changed = Signal(str)
    preview_arrived = Signal(str)
    result_ready = Signal(str)
    mesh_ready = Signal(str, int)  # job id of the result, index of the sample
    ended = Signal(str)  # done, failed or cancelled

    def __init__(self, connection: Connection, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = JobList()
        self.results: dict[str, Result] = {}
        self.previews: dict[str, Previews] = {}
        self.thumbnails: dict[str, QImage] = {}
        self._connection = connection
        self._background = background
        self._previewed: dict[str, int] = {}
        self._folder = jobs_dir()
        self._save_soon = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._save_soon.timeout.connect(self._save)
        connection.job_changed.connect(self._on_job)
        connection.snapshot_arrived.connect(self._on_snapshot)

    def load(self) -> None:
        """Read the list that the last run of this program left."""
        self.jobs.load(self._folder / "jobs.json")
        paths = {entry.id: self._thumbnail_path(entry.id) for entry in self.jobs}
        self._background.run(
            lambda: {job_id: QImage(str(path)) for job_id, path in paths.items()}, self._show_thumbnails
        )
        self.list_changed.emit()

    def _show_thumbnails(self, images: dict[str, QImage]) -> None:
        self.thumbnails = {job_id: image for job_id, image in images.items() if not image.isNull()} | self.thumbnails
        self.list_changed.emit()

    # --- what the person does ---

    def make_whole(self, document: Document, task: str, parameters: dict[str, Any]) -> str:
        """Run ``task`` (the whole path, or that to the picture) on ``document``; returns the job's id. A mask that
        answers the prompts is sent along, so that what the person saw is what is made whole."""
        inputs: Inputs = {"image": document.picture.image}
        if document.mask is not None and not document.mask_stale:
            inputs["mask"] = document.mask
        asked = parameters | document.prompts.current.parameters()
        entry = JobEntry("", document.picture.name, str(document.picture.path or ""), asked, task=task)
        return self._run(entry, inputs, document.picture.image)

    def make_sample(self, document: Document, result: Result, index: int, parameters: dict[str, Any]) -> str:
        """Reconstruct and mesh another sample of ``result``; returns the job's id. One that runs already is kept."""
        for child in self.jobs.children(result.job_id):
            if child.sample == index and not child.ended:
                return child.id
        sample = result.samples[index]
        inputs: Inputs = {
            "image": document.picture.image,
            "mask": result.mask,
            "completed": sample.completed,
        }
        parent = self.jobs.get(result.job_id)
        asked = dict(parent.parameters if parent is not None and parent.task == MESH else parameters)
        entry = JobEntry("", document.picture.name, "", asked, parent=result.job_id, sample=index)
        return self._run(entry, inputs, document.picture.image)

    def _run(self, entry: JobEntry, inputs: Inputs, image: Image) -> str:
        request = Request(entry.task, inputs, entry.parameters, entry.label, keep=True)
        entry.id, entry.server = request.job_id, self._connection.choice.name
        self.jobs.add(entry)
        self._connection.submit(request)
        self._background.run(
            lambda: scaled(qimage_of(image.pixels), THUMBNAIL),
            lambda thumbnail: self._set_thumbnail(entry.id, thumbnail),
        )
        self._list_changed()
        return entry.id

    def cancel(self, job_id: str) -> None:
        """Ask the server to stop a job; its row says so until the server has answered."""
        entry = self.jobs.get(job_id)
        if entry is None or entry.ended:
            return
        if self._connection.cancel(job_id):
            entry.cancelling = True
        else:
            entry.state = JobState.CANCELLED
            self.ended.emit(job_id)
        self.entry_changed.emit(job_id)
        self._save_soon.start()

    def remove(self, job_id: str) -> None:
        """Forget a job, its samples and its result, here and at the server; one that runs is stopped."""
        for entry in self.jobs.remove(job_id):
            self._connection.forget(entry.id)
            for kept in (self.results, self.previews, self.thumbnails, self._previewed):
                kept.pop(entry.id, None)
            path = self._thumbnail_path(entry.id)
            self._background.run(lambda path=path: path.unlink(missing_ok=True), lambda _: None)
        self._list_changed()

    def fetch(self, job_id: str) -> None:
        """Get the result of a job that ended earlier; `result_ready` tells when it is here."""
        self._connection.follow(job_id)

    # --- what the server says ---

    def _on_snapshot(self, summaries: list[JobSummary]) -> None:
        """The server is the only truth: unfinished jobs are followed, unknown ones listed, removed ones removed."""
        known = {summary.job for summary in summaries}
        self.jobs.removed &= known
        for summary in summaries:
            entry = self.jobs.get(summary.job)
            if summary.job in self.jobs.removed:
                self._connection.forget(summary.job)
            elif summary.task not in TASKS:
                if entry is None and summary.state.is_final:
                    self._connection.follow(summary.job, keep=False)
            else:
                if entry is None:
                    entry = self.jobs.add(
                        JobEntry(summary.job, summary.label, created=summary.created, task=summary.task)
                    )
                    entry.server = self._connection.choice.name
                if not entry.ended:
                    self._connection.follow(summary.job)
        for entry in self.jobs.running():
            lost = entry.id not in known and entry.server == self._connection.choice.name
            if lost and not self._connection.is_open(entry.id):
                entry.state = JobState.FAILED
                entry.problem = Problem(
                    ErrorCode.NOT_FOUND, self.tr("The server does not know this job."), self.tr("Run it again.")
                )
        self._list_changed()

    def _on_job(self, job: Job) -> None:
        entry = self.jobs.get(job.id)
        if entry is None:
            return
        was = entry.state
        entry.follow(job)
        if job.state is JobState.DONE and job.outputs is not None:
            self._on_done(entry, job)
        elif not job.state.is_final and len(job.previews) != self._previewed.get(job.id):
            self._previewed[job.id] = len(job.previews)
            self.previews[job.id] = dict(job.previews)
            self.preview_arrived.emit(job.id)
        self.entry_changed.emit(job.id)
        if entry.ended and was is not entry.state:
            self.previews.pop(job.id, None)
            self.ended.emit(job.id)
        if was is not entry.state:
            self._save_soon.start()

    def _on_done(self, entry: JobEntry, job: Job) -> None:
        assert job.outputs is not None
        parent = self.results.get(entry.parent)
        if parent is not None:
            mesh = job.outputs["mesh"]
            if isinstance(mesh, Mesh) and entry.sample < len(parent.samples):
                parent.samples[entry.sample].mesh = mesh
                self.mesh_ready.emit(parent.job_id, entry.sample)
            return
        if job.id in self.results:
            return
        result = Result.of(job.id, job.outputs, job.info)
        result.chosen = min(entry.chosen, len(result.samples) - 1)
        self.results[job.id] = result
        catalogue = self._connection.catalogue
        levels = {model.name: model.level for model in catalogue.models} if catalogue else {}
        entry.note = note_of(result.info, levels)
        self._picture_row(result)
        self.result_ready.emit(job.id)
        for child in self.jobs.children(job.id):
            if child.state is JobState.DONE:
                self.fetch(child.id)

    def _picture_row(self, result: Result) -> None:
        completed, job_id = result.sample.completed.pixels, result.job_id
        self._background.run(
            lambda: scaled(qimage_of(cut_out(completed)), THUMBNAIL),
            lambda thumbnail: self._set_thumbnail(job_id, thumbnail),
        )

    def remember_choice(self, result: Result, accepted: bool) -> None:
        """Keep which sample of ``result`` is chosen, also over a restart. Once one is accepted, the job's row shows it
        and nothing is made of the others any more."""
        entry = self.jobs.get(result.job_id)
        if entry is None:
            return
        entry.chosen, entry.accepted = result.chosen, accepted
        if accepted:
            self._picture_row(result)
            for child in self.jobs.children(result.job_id):
                if child.sample != result.chosen:
                    self.cancel(child.id)
        self.entry_changed.emit(result.job_id)
        self._save_soon.start()

    @property
    def connected(self) -> bool:
        return self._connection.state is ConnectionState.CONNECTED

    # --- keeping ---

    def _list_changed(self) -> None:
        self.list_changed.emit()
        self._save_soon.start()

    def _thumbnail_path(self, job_id: str) -> Path:
        return self._folder / "thumbnails" / f"{job_id}.png"

    def _set_thumbnail(self, job_id: str, image: QImage) -> None:
        if self.jobs.get(job_id) is None:
            return
        self.thumbnails[job_id] = image
        self.entry_changed.emit(job_id)
        path = self._thumbnail_path(job_id)
        self._background.run(lambda: _write(path, png_bytes(image)), lambda _: None)

    def _save(self) -> None:
        content = self.jobs.to_bytes()
        self._background.run(lambda: _write(self._folder / "jobs.json", content), lambda _: None)

    def flush(self) -> None:
        """Write the list now: the program ends."""
        if self._save_soon.isActive():
            self._save_soon.stop()
            _write(self._folder / "jobs.json", self.jobs.to_bytes())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(content)
    temporary.replace(path)
