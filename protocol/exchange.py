"""What a client knows and does with the server's messages, on the network thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from .events import CatalogueArrived, ConnectionChanged, Event, HeartbeatArrived, JobChanged, SnapshotArrived
from .frames import Buffer, Packed, blobs_of, pack_values, unpack_values
from .jobs import Job, Outputs
from .link import Link
from .messages import (
    Accepted,
    Acknowledge,
    Attach,
    Cancel,
    Cancelled,
    Catalogue,
    Failed,
    Freed,
    Got,
    JobSummary,
    Need,
    Piece,
    Pong,
    Preview,
    Progress,
    Refused,
    Result,
    ServerState,
    Snapshot,
    Submit,
    Welcome,
)
from .problems import ErrorCode, Problem, ProblemError
from .rooms import Rooms
from .states import ConnectionState, JobState
from .transfers import Download, Uploads

logger = logging.getLogger("wholeform.client")

SETTLED = 1000  # jobs whose acknowledgement is said again after a reconnect


class Exchange:
    """The jobs of one client and the transfers under way. Implements link.Handler."""

    def __init__(self, on_event: Callable[[Event], None] | None, compress: bool) -> None:
        self.jobs: dict[str, Job] = {}
        self.server: Welcome | None = None
        self.server_state: ServerState | None = None
        self.catalogue: Catalogue | None = None
        self.changed = threading.Condition()
        self.link: Link  # set by the client, as the link needs its handler first
        self._on_event = on_event
        self._compress = compress
        self._awaited: set[str] = set()
        self._replies: dict[str, Any] = {}
        self._packed: dict[str, Packed] = {}
        self._uploads = Uploads(self._send)
        self._rooms = Rooms()
        self._settled: deque[str] = deque(maxlen=SETTLED)
        self._downloads: dict[str, Download] = {}

    def _send(self, message: Any, arrays: Any = ()) -> bool:
        return self.link.send(message, arrays)

    def ask(self, reply: str, message: Any, timeout: float) -> Any:
        return self.wait(reply, lambda: self.link.send(message), timeout)

    def wait(self, reply: str, send: Callable[[], object], timeout: float) -> Any:
        assert not self.link.on_thread(), "a callback must not wait for the network thread it runs on"
        with self.changed:
            self._awaited.add(reply)
            self._replies.pop(reply, None)
            self.link.call(send)
            arrived = self.changed.wait_for(lambda: reply in self._replies, timeout)
            self._awaited.discard(reply)
            if not arrived:
                raise ProblemError(
                    ErrorCode.TIMEOUT,
                    f"{self.link.address} gave no answer in {timeout:g} s.",
                    "Check the connection and try again.",
                )
            return self._replies.pop(reply)

    # --- on the network thread ---

    def submit(self, job: Job) -> None:
        if job.state.is_final:
            return
        if job.inputs is None:
            self.link.send(Attach(job.id))
            return
        try:
            if job.id not in self._packed:
                self._packed[job.id] = pack_values(job.inputs, compress=self._compress)
            packed = self._packed[job.id]
            message = Submit(job.id, job.task, packed.wire, job.parameters, job.priority, job.label)
            self.link.send(message, packed.frames)
        except ProblemError as error:
            self._end(job, JobState.FAILED, problem=error.problem)
        except (TypeError, ValueError, OverflowError) as error:
            what = Problem(
                ErrorCode.BAD_PARAMETER,
                f"The parameters cannot be sent: {error}.",
                "Use plain numbers and texts.",
            )
            self._end(job, JobState.FAILED, problem=what)

    def control(self, job: Job, action: str) -> None:
        self.link.call(lambda: self._do_control(job, action))

    def _do_control(self, job: Job, action: str) -> None:
        if action == "acknowledge":
            job.keep = False
            if job.state.is_final:
                self._settle(job)
        elif not job.state.is_final:
            self._uploads.stop(job.id)
            job.cancelling = True  # said again after a reconnect, if this does not get through
            self.link.send(Cancel(job.id))

    def _end(self, job: Job, state: JobState, **changes: Any) -> None:
        self._uploads.stop(job.id)
        self._packed.pop(job.id, None)
        self._downloads.pop(job.id, None)
        job._advance(state, **changes)
        if not job.keep:
            self._settle(job)
        self._emit(JobChanged(job))

    def _settle(self, job: Job) -> None:
        """Nobody needs the server's copy any more, nor this one but through the caller's own Job."""
        self.jobs.pop(job.id, None)
        self._settled.append(job.id)
        self.link.send(Acknowledge(job.id))

    def _emit(self, event: Event) -> None:
        if self._on_event is not None:
            try:
                self._on_event(event)
            except Exception:  # the owner's fault must not stop what the client does for its jobs
                logger.exception("an event callback failed")

    def _answer(self, reply: str, value: Any) -> None:
        with self.changed:
            if reply in self._awaited:
                self._replies[reply] = value
                self.changed.notify_all()

    def on_state(self, state: ConnectionState, problem: Problem | None) -> None:
        if state is not ConnectionState.CONNECTED:
            self._uploads.clear()
            self._downloads.clear()
            self.catalogue = None
            with self.changed:
                self.changed.notify_all()
            self._emit(ConnectionChanged(state, problem))

    def on_welcome(self, welcome: Welcome) -> None:
        self.server, self.server_state = welcome, welcome.state
        self._uploads.window = welcome.limits.window_pieces
        with self.changed:
            self.changed.notify_all()
        self._emit(ConnectionChanged(ConnectionState.CONNECTED, None))

    def on_pong(self, pong: Pong, round_trip_s: float) -> None:
        self.server_state = pong.state
        self._answer(f"pong {pong.token}", (round_trip_s, pong.state))
        self._emit(HeartbeatArrived(pong.state, round_trip_s))

    def on_message(self, message: Any, arrays: list[Buffer]) -> None:
        match message:
            case Catalogue():
                self.catalogue = message
                self._answer("catalogue", message)
                self._emit(CatalogueArrived(message))
            case Snapshot():
                self._on_snapshot(message)
            case Got():
                self._on_got(message)
            case Piece():
                self._on_piece(message, arrays)
            case Freed():
                self._answer("freed", message.nbytes)
            case Refused():
                self._on_refused(message)
            case _:
                job = self.jobs.get(getattr(message, "job", ""))
                if job is not None and not job.state.is_final:
                    self._on_job_message(job, message, arrays)

    def _on_job_message(self, job: Job, message: Any, arrays: list[Buffer]) -> None:
        match message:
            case Need():
                packed = self._packed.get(job.id)
                for digest in message.digests:
                    if packed is not None and digest in packed.blobs and not job.cancelling:
                        self._uploads.start(job.id, digest, packed.blobs[digest])
                return
            case Accepted():
                self._uploads.stop(job.id)
                job._on_accepted(message)
            case Progress():
                job._on_progress(message)
            case Preview():
                job.previews[message.stage] = unpack_values(message.values, arrays, _no_blobs)
            case Result():
                sizes = blobs_of(message.outputs)
                download = Download(job.id, message, arrays, self._send, self._rooms)
                self._downloads[job.id] = download
                download.start(sizes)
                self._finish_if_complete(download)
                return
            case Failed():
                self._end(job, JobState.FAILED, problem=message.problem)
                return
            case Cancelled():
                self._end(job, JobState.CANCELLED)
                return
        self._emit(JobChanged(job))

    def _on_snapshot(self, message: Snapshot) -> None:
        """The server's list is the only truth: what ended meanwhile is fetched, what it never got is sent again."""
        known = {summary.job: summary for summary in message.jobs}
        for job_id in [job_id for job_id in self._settled if job_id in known]:
            self.link.send(Acknowledge(job_id))  # the first one did not get through
        for job in [job for job in self.jobs.values() if not job.state.is_final]:
            summary = known.get(job.id)
            if job.cancelling:
                self._cancel_again(job, summary)
            elif job.id not in self._downloads:
                self._catch_up(job, summary)
        self._answer("jobs", message.jobs)
        self._emit(SnapshotArrived(message.jobs))

    def _cancel_again(self, job: Job, summary: JobSummary | None) -> None:
        if summary is None:
            self._end(job, JobState.CANCELLED)
        else:
            self.link.send(Cancel(job.id))

    def _catch_up(self, job: Job, summary: JobSummary | None) -> None:
        if summary is not None and summary.state is not JobState.UPLOADING:
            job.task = job.task or summary.task
            self.link.send(Attach(job.id))
        elif job.inputs is not None:
            self.submit(job)
        else:
            lost = Problem(ErrorCode.NOT_FOUND, "The server no longer knows this job.", "Run it again.")
            self._end(job, JobState.FAILED, problem=lost)

    def _on_got(self, message: Got) -> None:
        for job_id in self._uploads.on_got(message):
            job = self.jobs.get(job_id)
            if job is not None:
                job.uploaded = self._uploads.waiting(job.id)
                self._emit(JobChanged(job))

    def _on_piece(self, message: Piece, arrays: list[Buffer]) -> None:
        if len(arrays) == 1:
            for download in list(self._downloads.values()):
                if download.on_piece(message, arrays[0]):
                    self._finish_if_complete(download)
                    return

    def _finish_if_complete(self, download: Download) -> None:
        job = self.jobs.get(download.job)
        if job is None or not download.complete:
            return
        result: Result = download.message
        try:
            outputs = Outputs(unpack_values(result.outputs, download.arrays, download.blob))
        except ProblemError as error:
            self._end(job, JobState.FAILED, problem=error.problem)
        else:
            self._end(job, JobState.DONE, outputs=outputs, info=result.info)

    def _on_refused(self, message: Refused) -> None:
        job = self.jobs.get(message.job)
        if job is not None and not job.state.is_final and message.about in ("submit", "attach", "upload", "fetch"):
            self._end(job, JobState.FAILED, problem=message.problem)


def _no_blobs(digest: str) -> Buffer:
    raise ProblemError(
        ErrorCode.BAD_MESSAGE,
        f"A preview refers to blob {digest}.",
        "Previews travel whole.",
    )
