"""The client for asyncio programs: the same jobs, awaited instead of waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Self

from .client import Client, Inputs
from .events import Event, JobChanged
from .jobs import Job, JobCancelled, Outputs
from .messages import Catalogue, Progress, ServerState, Welcome
from .problems import ProblemError
from .states import JobState


class AsyncJob:
    """A job to await. ``job`` is the plain one, for its state, previews and info."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._changed = asyncio.Event()

    def cancel(self) -> None:
        self.job.cancel()

    async def result(self) -> Outputs:
        """The outputs. Raises ProblemError or JobCancelled; limit the wait with asyncio.timeout."""
        async for _ in self.updates():
            pass
        if self.job.state is JobState.CANCELLED:
            raise JobCancelled(f"{self.job.task} was cancelled")
        if self.job.problem is not None:
            raise ProblemError.of(self.job.problem)
        assert self.job.outputs is not None
        return self.job.outputs

    async def updates(self) -> AsyncIterator[Progress]:
        """The progress as it comes, until the job has ended."""
        seen: Progress | None = None
        while True:
            self._changed.clear()
            progress = self.job.progress
            if progress is not None and progress is not seen:
                seen = progress
                yield progress
            if self.job.state.is_final:
                return
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()


class AsyncClient:
    """Client for asyncio; takes the same arguments but ``on_event``. Use ``async with``."""

    def __init__(self, address: str | None = None, **options: Any) -> None:
        self._client = Client(address, on_event=self._on_event, **options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jobs: dict[str, AsyncJob] = {}

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._client.close)

    async def connect(self, timeout: float = 5.0) -> Welcome:
        """Connect; raises ProblemError as Client.connect does."""
        self._loop = asyncio.get_running_loop()
        return await asyncio.to_thread(self._client.connect, timeout)

    async def catalogue(self) -> Catalogue:
        return await asyncio.to_thread(self._client.catalogue)

    async def ping(self) -> tuple[float, ServerState]:
        return await asyncio.to_thread(self._client.ping)

    def submit(
        self,
        task: str,
        inputs: Inputs | None = None,
        parameters: dict[str, Any] | None = None,
        **options: Any,
    ) -> AsyncJob:
        """Run ``task``; as Client.submit."""
        job = AsyncJob(self._client.submit(task, inputs, parameters, **options))
        self._jobs[job.job.id] = job
        return job

    def _on_event(self, event: Event) -> None:
        if isinstance(event, JobChanged) and self._loop is not None:
            # The loop may have closed while the network thread was ending.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake, event.job.id)

    def _wake(self, job_id: str) -> None:
        job = self._jobs.get(job_id)
        if job is not None:
            job._wake()
            if job.job.state.is_final:
                del self._jobs[job_id]
