"""The jobs of the server: taken in, queued, handed to workers, ended, fetched, removed.

Every change of state goes through one table (protocol/states.py); what is accepted is on disk before anybody is told.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from protocol.checks import check_parameters
from protocol.frames import Buffer, blobs_of
from protocol.messages import (
    Accepted,
    Cancelled,
    Failed,
    Got,
    JobSummary,
    ModelInfo,
    Need,
    Preview,
    Progress,
    Result,
    Submit,
    TaskInfo,
    Upload,
)
from protocol.problems import ErrorCode, Problem, ProblemError
from protocol.states import JobState, advance_job
from protocol.tasks import find_task

from .admission import check_submit
from .blobs import BlobStore
from .clients import Clients
from .job import Job
from .options import ServeOptions
from .pool import Slot, WorkerPool
from .scheduler import Scheduler
from .store import Ending, JobStore, StoredJob
from .worker_messages import Broken, Done, Moved, Run, Shown, Stop, Stopped

logger = logging.getLogger("wholeform.jobs")

MAX_ATTEMPTS = 2  # a job whose worker died is tried once more
MAX_LISTED = 2000
ABANDONED_S = 600.0  # an upload that does not move for so long is forgotten

_WORKER_ENDINGS = (Done, Broken, Stopped)


class Jobs:
    """All jobs. Used by the gateway's thread alone."""

    def __init__(
        self,
        options: ServeOptions,
        store: JobStore,
        blobs: BlobStore,
        pool: WorkerPool,
        clients: Clients,
        tasks: dict[str, TaskInfo],
        models: list[ModelInfo],
    ) -> None:
        self._options = options
        self._store = store
        self._blobs = blobs
        self._pool = pool
        self._clients = clients
        self._tasks = tasks
        self._models = models
        self._jobs: dict[str, Job] = {}
        self._uploading: dict[str, Job] = {}
        self._queue: Scheduler[Job] = Scheduler()
        self._seconds: dict[str, float] = {}  # how long each task took lately
        self._restore()

    def _restore(self) -> None:
        for stored in self._store.all():
            job = Job(
                stored.id, stored.owner, stored.submit, stored.arrays, stored.created, stored.state, stored.attempts
            )
            self._jobs[job.id] = job
            if not job.state.is_final:
                job.state = JobState.QUEUED
                self._queue.add(job)
        self._blobs.keep_only_results(set(self._jobs))
        if len(self._queue):
            logger.info("%d jobs go on after the restart", len(self._queue))

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def running(self) -> int:
        return sum(slot.job != "" for slot in self._pool.slots)

    def owns(self, owner: str, job_id: str) -> bool:
        job = self._jobs.get(job_id)
        return job is not None and job.owner == owner

    # --- what clients ask ---

    def submit(self, owner: str, route: bytes, message: Submit, arrays: Sequence[Buffer]) -> None:
        """Take a job in, or attach to it. ProblemError when it cannot be taken."""
        if message.job in self._jobs:
            self.attach(owner, route, message.job)
            return
        waiting = sum(not job.state.is_final for job in self._jobs.values())
        check_submit(
            message, [len(array) for array in arrays], self._tasks, self._models, self._options.limits, waiting
        )
        missing = {digest for digest in blobs_of(message.inputs) if not self._blobs.use(digest)}
        self._blobs.check_room(sum(blobs_of(message.inputs)[digest] for digest in missing))
        job = Job(message.job, owner, message, [bytes(array) for array in arrays], time.time(), missing=missing)
        self._jobs[job.id] = job
        if missing:
            self._uploading[job.id] = job
            self._clients.send(route, Need(job.id, sorted(missing)))
        else:
            self._accept(job)

    def _mine(self, owner: str, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None or job.owner != owner:
            raise ProblemError(ErrorCode.NOT_FOUND, f"There is no job {job_id}.", "It was removed, or never accepted.")
        return job

    def attach(self, owner: str, route: bytes, job_id: str) -> None:
        """Tell one connection where a job stands. ProblemError (NOT_FOUND) when the owner has no such job."""
        job = self._mine(owner, job_id)
        if job.state is JobState.UPLOADING:
            self._clients.send(route, Need(job.id, sorted(job.missing)))
        elif job.state.is_final:
            ending = self._store.ending(job.id)
            if ending is not None:
                self._clients.send(route, *ending)
        else:
            self._clients.send(route, Accepted(job.id, self._position(job)))
            if job.progress is not None and job.state is not JobState.QUEUED:
                self._clients.send(route, job.progress)

    def cancel(self, owner: str, job_id: str) -> None:
        """Stop a job. Confirmed by Cancelled, once it has stopped."""
        job = self._mine(owner, job_id)
        if job.state.is_final or job.stopping:
            return
        if job.slot is None:
            self._queue.remove(job)
            self._end(job, JobState.CANCELLED, Cancelled(job.id))
        else:
            job.stopping = time.monotonic()
            self._pool.send(job.slot, Stop(job.id))

    def acknowledge(self, owner: str, job_id: str) -> None:
        """The client has the ending: remove the job. Unknown jobs are fine, they may have been removed before."""
        job = self._jobs.get(job_id)
        if job is not None and job.owner == owner and job.state.is_final:
            self._remove(job)

    def fetch(self, owner: str, job_id: str, digest: str, offset: int, size: int) -> tuple[memoryview, int]:
        """Bytes of a result's blob; see BlobStore.read_result."""
        self._mine(owner, job_id)
        return self._blobs.read_result(job_id, digest, offset, size)

    def upload(self, owner: str, route: bytes, message: Upload, data: Buffer) -> None:
        """Take a piece of a blob that a job of this owner waits for. Answered by Got once it is on disk.

        ProblemError: NOT_FOUND when no job waits for it, BAD_INPUT for what does not fit, which fails those jobs.
        """
        digest = message.digest
        mine = [job for job in self._waiting_for(digest) if job.owner == owner]
        if not mine:
            if not self._blobs.has(digest):
                raise ProblemError(ErrorCode.NOT_FOUND, "No job waits for these bytes.", "Submit first.")
            self._clients.send(route, Got(digest, message.total))
            return
        for job in mine:
            job.uploaders.add(route)
        try:
            if blobs_of(mine[0].submit.inputs)[digest] != message.total:
                raise ProblemError(ErrorCode.BAD_INPUT, "A piece's total differs from its job's.", "Submit again.")
            self._blobs.add_piece(
                digest, message.offset, message.total, data, lambda problem: self._on_piece(message, problem)
            )
        except ProblemError as error:
            self._fail_uploads(mine, error.problem)
            raise

    def _waiting_for(self, digest: str) -> list[Job]:
        return [job for job in self._uploading.values() if digest in job.missing]

    def _on_piece(self, message: Upload, problem: ProblemError | None) -> None:
        """A piece is on disk, or could not be."""
        digest, waiting = message.digest, self._waiting_for(message.digest)
        if problem is not None:
            self._fail_uploads(waiting, problem.problem)
            return
        whole = self._blobs.has(digest)
        got = Got(digest, message.total if whole else self._blobs.received(digest))
        for route in set[bytes]().union(*(job.uploaders for job in waiting)):
            self._clients.send(route, got)
        for job in waiting:
            job.moved = time.monotonic()
            if whole:
                job.missing.discard(digest)
                if not job.missing:
                    self._accept(job)

    def _fail_uploads(self, jobs: list[Job], problem: Problem) -> None:
        for job in jobs:
            self._end(job, JobState.FAILED, Failed(job.id, problem))

    def snapshot(self, owner: str) -> list[JobSummary]:
        """The jobs of an owner, oldest first; of very many the newest, so that the message stays small."""
        mine = sorted((job for job in self._jobs.values() if job.owner == owner), key=lambda job: job.created)
        return [
            JobSummary(
                job.id,
                job.submit.task,
                job.state,
                job.submit.label,
                job.created,
                job.progress.stage if job.progress else "",
                job.progress.fraction if job.progress else 0.0,
                self._position(job) if job.state is JobState.QUEUED else 0,
            )
            for job in mine[-MAX_LISTED:]
        ]

    # --- the queue ---

    def _accept(self, job: Job) -> None:
        try:
            self._store.add(StoredJob(job.id, job.owner, JobState.QUEUED, job.created, 0, job.submit, job.arrays))
        except sqlite3.Error as error:
            logger.exception("job %s could not be stored", job.id)
            problem = Problem(ErrorCode.INTERNAL, f"The server could not store the job: {error}.", "Tell its owner.")
            self._end(job, JobState.FAILED, Failed(job.id, problem))
            return
        job.state = advance_job(job.state, JobState.QUEUED)
        self._uploading.pop(job.id, None)
        self._queue.add(job)
        self._clients.tell(job.owner, Accepted(job.id, self._position(job)))
        self.hand_out()

    def _position(self, job: Job) -> int:
        order = self._queue.order()
        return order.index(job) + 1 if job in order else 0

    def hand_out(self) -> None:
        """Give waiting jobs to free workers."""
        for slot in self._pool.slots:
            if slot.is_free and len(self._queue):
                job = self._queue.take(lambda job, n=slot.number: self._fits(job, n))
                if job is not None:
                    self._run(job, slot)

    def _fits(self, job: Job, slot: int) -> bool:
        wanted = job.wanted_slot
        return wanted is None or wanted == slot or wanted >= len(self._pool.slots)

    def _run(self, job: Job, slot: Slot) -> None:
        try:
            # Checked when it came, but perhaps by an older version of this server.
            parameters = check_parameters(find_task(self._tasks, job.submit.task), job.submit.parameters)
        except ProblemError as error:
            self._end(job, JobState.FAILED, Failed(job.id, error.problem))
            return
        job.state = advance_job(job.state, JobState.RUNNING)
        job.slot, job.moved, slot.job = slot, time.monotonic(), job.id
        job.started = job.moved
        job.attempts += 1
        paths = {digest: str(self._blobs.path(digest)) for digest in blobs_of(job.submit.inputs)}
        folder = str(self._blobs.result_folder(job.id))
        order = Run(job.id, job.submit.task, job.submit.inputs, parameters, paths, folder)
        self._pool.send(slot, order, job.arrays)

    def tell_places(self) -> None:
        """Tell waiting jobs their place when it has changed, at most five times a second each."""
        now = time.monotonic()
        ahead = sum(self._expected(slot.job) for slot in self._pool.slots)
        for place, job in enumerate(self._queue.order(), 1):
            if job.told[0] != place and now - job.told[1] > 0.2:
                job.told = (place, now)
                eta = ahead / max(1, len(self._pool.slots))
                message = Progress(job.id, JobState.QUEUED, position=place, eta_s=eta, message="Waiting in line")
                self._clients.tell(job.owner, message, droppable=True)
            ahead += self._seconds.get(job.submit.task, 1.0)

    def _expected(self, job_id: str) -> float:
        job = self._jobs.get(job_id)
        return self._seconds.get(job.submit.task, 1.0) if job is not None else 0.0

    # --- what workers say ---

    def on_worker(self, slot: Slot, message: Any, arrays: list[Buffer]) -> None:
        """A message about the job that ``slot`` runs; about any other it is late and dropped."""
        job = self._jobs.get(slot.job)
        if isinstance(message, Moved):
            if job is not None and message.progress.job == job.id:
                self._on_progress(job, message.progress)
        elif isinstance(message, Shown):
            if job is not None and message.job == job.id:
                job.moved = time.monotonic()
                self._clients.tell(job.owner, Preview(job.id, message.stage, message.values), arrays, droppable=True)
        elif isinstance(message, _WORKER_ENDINGS) and message.job == slot.job:
            slot.job = ""
            if job is not None:
                self._on_ending(job, message, arrays)
            self.hand_out()

    def _on_progress(self, job: Job, progress: Progress) -> None:
        if progress.state is not job.state:
            job.state = advance_job(job.state, progress.state)
        job.progress, job.moved = progress, time.monotonic()
        self._clients.tell(job.owner, progress, droppable=True)

    def _on_ending(self, job: Job, message: Done | Broken | Stopped, arrays: list[Buffer]) -> None:
        match message:
            case Done():
                job.state = advance_job(job.state, JobState.FINISHING)
                result = Result(job.id, message.outputs, message.info)
                self._seconds[job.submit.task] = time.monotonic() - job.started
                self._end(job, JobState.DONE, result, [bytes(array) for array in arrays])
            case Broken():
                self._end(job, JobState.FAILED, Failed(job.id, message.problem))
            case Stopped():
                self._end(job, JobState.CANCELLED, Cancelled(job.id))

    def on_lost_worker(self, job_id: str) -> None:
        """The worker that ran this job has died: cancelled if that was wanted, else tried once more."""
        job = self._jobs.get(job_id)
        if job is None or job.state.is_final:
            return
        if job.stopping:
            self._end(job, JobState.CANCELLED, Cancelled(job.id))
        elif job.attempts >= MAX_ATTEMPTS:
            problem = Problem(
                ErrorCode.WORKER_LOST,
                "The server's worker died twice while doing this job.",
                "Try a lower quality or a smaller picture; the server's log says more.",
                job.id,
            )
            self._end(job, JobState.FAILED, Failed(job.id, problem))
        else:
            self._store.count_attempt(job.id, job.attempts)
            job.state = advance_job(job.state, JobState.QUEUED)
            job.slot = None
            self._queue.add(job, first=True)

    def watch(self) -> None:
        """End workers that do not stop when asked or say nothing of their job; forget abandoned uploads."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.state is JobState.UPLOADING and now - job.moved > ABANDONED_S:
                self._remove(job)
            elif job.slot is not None and job.stopping and now - job.stopping > self._options.cancel_grace_s:
                logger.warning("job %s does not stop: ending its worker", job.id)
                self._pool.kill(job.slot)
            elif job.slot is not None and now - job.moved > self._options.stage_limit_s:
                self._end_hung(job)

    def _end_hung(self, job: Job) -> None:
        slot, minutes = job.slot, self._options.stage_limit_s / 60
        stage = job.progress.stage if job.progress else job.submit.task
        problem = Problem(
            ErrorCode.TIMEOUT,
            f"“{stage}” made no step for {minutes:.0f} minutes and was ended.",
            "Try a lower quality or a smaller picture.",
            job.id,
        )
        self._end(job, JobState.FAILED, Failed(job.id, problem))
        if slot is not None:
            self._pool.kill(slot)

    # --- endings ---

    def _end(self, job: Job, state: JobState, ending: Ending, arrays: list[bytes] | None = None) -> None:
        was_accepted = job.state is not JobState.UPLOADING
        job.state = advance_job(job.state, state)
        job.slot = None
        self._drop_parts(job)
        job.missing = set()
        self._uploading.pop(job.id, None)
        if was_accepted:
            try:
                self._store.end(job.id, state, ending, arrays or [])
            except sqlite3.Error:  # it will run again after a restart; whoever listens is told now
                logger.exception("the ending of job %s could not be stored", job.id)
        else:
            del self._jobs[job.id]
        self._clients.tell(job.owner, ending, arrays or [])

    def _drop_parts(self, job: Job) -> None:
        """Forget the half-uploaded blobs that no other job waits for."""
        for digest in job.missing:
            if self._waiting_for(digest) == [job]:
                self._blobs.drop_part(digest)

    def fail(self, job_id: str, problem: Problem) -> None:
        """End a job at which the server itself failed."""
        job = self._jobs.get(job_id)
        if job is not None and not job.state.is_final:
            self._queue.remove(job)
            self._end(job, JobState.FAILED, Failed(job.id, problem))

    def _remove(self, job: Job) -> None:
        self._drop_parts(job)
        self._uploading.pop(job.id, None)
        del self._jobs[job.id]
        self._store.remove(job.id)
        self._blobs.remove_result(job.id)

    def tidy(self) -> None:
        """Remove endings that nobody acknowledged in time, and inputs that no job has used for long."""
        for job_id in self._store.ended_before(time.time() - self._options.result_ttl_s):
            job = self._jobs.get(job_id)
            if job is not None:
                job.state = advance_job(job.state, JobState.EXPIRED)
                self._remove(job)
        used = {digest for job in self._jobs.values() for digest in blobs_of(job.submit.inputs)}
        self._blobs.trim(used, self._options.input_cache)
