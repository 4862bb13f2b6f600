"""The add-on's side of the connection to one server. No bpy, and no thread: the companion process talks to the server;
what it says is taken in by `Network.take`, which pump.py calls on Blender's main thread.
"""

from __future__ import annotations

import itertools
from typing import Any

from . import crossing
from .companion_process import CompanionProcess
from .prepare import Ready
from .protocol import (
    CatalogueArrived,
    ConnectionChanged,
    ConnectionState,
    ErrorCode,
    Event,
    Handle,
    HeartbeatArrived,
    Job,
    JobChanged,
    Outputs,
    Problem,
    ProblemError,
    SnapshotArrived,
    Value,
)
from .protocol.checks import kinds_of
from .protocol.connection import find_local, load_session, parse_address
from .protocol.frames import Buffer
from .protocol.jobs import new_job_id
from .protocol.messages import Priority, Welcome
from .protocol.security import default_key_path, load_or_make_keys
from .servers import Server

SESSION = "blender"


class RemoteClient:
    """The companion's client as Blender sees it: its state, and its jobs as they were when last heard of."""

    def __init__(self, companion: CompanionProcess, number: int) -> None:
        self.state = ConnectionState.CONNECTING
        self.problem: Problem | None = None
        self.server: Welcome | None = None  # the last welcome
        self.jobs: dict[str, Job] = {}
        self.number = number
        self._companion = companion

    def submit(
        self,
        task: str,
        inputs: dict[str, Value],
        parameters: dict[str, Any],
        *,
        priority: Priority = "interactive",
        label: str = "",
        job_id: str | None = None,
        keep: bool = False,
    ) -> Job:
        """Run ``task``. Raises ProblemError: BAD_INPUT for an input that is no value, BAD_PARAMETER for parameters that
        cannot be sent."""
        kinds_of(dict(inputs))
        job = Job(job_id or new_job_id(), task, dict(inputs), parameters, priority, label, keep, self._control)
        wire, blobs, frames = crossing.pack_whole(dict(inputs))
        try:
            self._send(crossing.Submit(job.id, task, wire, blobs, parameters, priority, label, keep), frames)
        except (TypeError, ValueError, OverflowError) as error:
            what = f"The parameters cannot be sent: {error}."
            raise ProblemError(ErrorCode.BAD_PARAMETER, what, "Use plain numbers and texts.") from None
        self.jobs[job.id] = job
        return job

    def attach(self, job_id: str, task: str = "", *, label: str = "", keep: bool = False) -> Job:
        """Follow a job that another run of Blender made."""
        if job_id not in self.jobs:
            self.jobs[job_id] = Job(job_id, task, None, {}, "interactive", label, keep, self._control)
            self._send(crossing.Attach(job_id, task, label, keep))
        return self.jobs[job_id]

    def forget(self, job_id: str) -> None:
        """Drop a job that has ended from `jobs`."""
        if job_id in self.jobs and self.jobs[job_id].state.is_final:
            del self.jobs[job_id]
            self._send(crossing.Control(job_id, "forget"))

    def request_catalogue(self) -> None:
        """Have a CatalogueArrived come."""
        self._send(crossing.Ask("catalogue"))

    def request_ping(self) -> None:
        """Have a HeartbeatArrived come."""
        self._send(crossing.Ask("ping"))

    def request_free_memory(self) -> None:
        """Have the server unload what nothing uses now."""
        self._send(crossing.Ask("free_memory"))

    def release(self, handle: Handle) -> None:
        """Free what ``handle`` names."""
        self._send(crossing.Free(handle.id, handle.holds))

    def close(self) -> None:
        """End the connection; jobs go on at the server."""
        self._send(crossing.Close())

    def take(self, tidings: crossing.Tidings, frames: list[Buffer]) -> Event | Ready | None:
        """Note what the companion said; returns what happened."""
        match tidings:
            case crossing.Connection():
                self.state, self.problem, self.server = tidings.state, tidings.problem, tidings.server
                return ConnectionChanged(tidings.state, tidings.problem)
            case crossing.Known():
                return CatalogueArrived(tidings.catalogue)
            case crossing.Beat():
                return HeartbeatArrived(tidings.state, tidings.round_trip_s)
            case crossing.Jobs():
                return SnapshotArrived(tidings.jobs)
            case crossing.News():
                return self._on_news(tidings, frames)
            case crossing.Brought():
                return tidings.ready

    def _on_news(self, news: crossing.News, frames: list[Buffer]) -> JobChanged | None:
        job = self.jobs.get(news.job)
        if job is None:
            return None
        job.task = news.task
        said: dict[str, Any] = {name: getattr(news, name) for name in ("progress", "problem", "info", "uploaded")}
        if news.outputs is not None:
            said["outputs"] = Outputs(crossing.Whole(news.outputs, news.blobs, frames))
        job._advance(news.state, **said)
        if news.state.is_final and not job.keep:
            del self.jobs[job.id]
        return JobChanged(job)

    def _control(self, job: Job, action: str) -> None:
        if action == "acknowledge":
            job.keep = False
            if job.state.is_final:
                self.jobs.pop(job.id, None)
            self._send(crossing.Control(job.id, "acknowledge"))
        elif not job.state.is_final:
            job.cancelling = True
            self._send(crossing.Control(job.id, "cancel"))

    def _send(self, request: crossing.Request, frames: list[Buffer] | None = None) -> None:
        self._companion.send(crossing.pack(request, frames or ()))


class Network:
    """At most one client at a time. Nothing here waits."""

    def __init__(self, program: str = "blender") -> None:
        self.program = program
        self.client: RemoteClient | None = None
        self.server: Server | None = None
        self._companion = CompanionProcess()
        self._numbers = itertools.count()
        self._local_start = ""  # which start of the local server the client talks to

    @property
    def state(self) -> ConnectionState:
        return self.client.state if self.client is not None else ConnectionState.OFFLINE

    @property
    def problem(self) -> Problem | None:
        return self.client.problem if self.client is not None else None

    def connect(self, server: Server) -> bool:
        """Start talking to ``server``. False when it is the local one and none runs. Raises ProblemError for an address
        that cannot be read, keys that cannot be loaded or a companion that cannot be started."""
        self.close()
        self.server = server
        address, key = server.address.strip(), server.key.strip()
        if server.is_local:
            found = find_local()
            if found is None:
                return False
            address, key, self._local_start = found.address, found.server_key, found.server
        number = next(self._numbers)
        request = crossing.Connect(number, parse_address(address), self.program, load_session(SESSION))
        if key:
            keys = load_or_make_keys(default_key_path("client"))
            request.server_key, request.public, request.secret = key, keys.public, keys.secret
        if not self._companion.runs:
            self._companion.start()
        self._companion.send(crossing.pack(request))
        self.client = RemoteClient(self._companion, number)
        return True

    def local_moved(self) -> bool:
        """Whether the local server has been started anew since the client was made (it may have another port)."""
        if self.server is None or not self.server.is_local or self.client is None:
            return False
        found = find_local()
        return found is not None and found.server != self._local_start

    def lost_companion(self) -> bool:
        """Whether the companion was killed, or fell over, and another may do better."""
        return self.client is not None and self._companion.has_answered and not self._companion.runs

    def close(self) -> None:
        """End the connection; jobs go on at the server."""
        client, self.client = self.client, None
        if client is not None:
            client.close()

    def stop(self) -> None:
        """Let go of the companion as well."""
        self.close()
        self._companion.stop()

    def take(self) -> Event | Ready | None:
        """The next thing that happened, or None. What came from an earlier connection is dropped."""
        client = self.client
        while (parts := self._companion.receive()) is not None:
            tidings, frames = crossing.unpack(parts, crossing.Tidings)
            if client is not None and tidings.number == client.number:
                event = client.take(tidings, frames)
                if event is not None:
                    return event
        if client is not None and client.state is not ConnectionState.OFFLINE and self._companion.failure:
            client.state = ConnectionState.OFFLINE
            client.problem = Problem(ErrorCode.INTERNAL, self._companion.failure, "Press Test Connection to try again.")
            return ConnectionChanged(client.state, client.problem)
        return None

    def submit(self, task: str, inputs: dict[str, Value], parameters: dict[str, Any], label: str, keep: bool) -> Job:
        """Run a task. Raises ProblemError (UNREACHABLE) without a client."""
        if self.client is None:
            raise ProblemError(
                ErrorCode.UNREACHABLE, "There is no connection to a server.", "Start a local server, or choose one."
            )
        return self.client.submit(task, dict(inputs), parameters, label=label, keep=keep)
