"""The connection to the chosen server, on the Qt thread."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from protocol import Client, ConnectionState, ErrorCode, Event, Handle, Job, Problem, ProblemError
from protocol.client import Inputs
from protocol.connection import ConnectionFile, find_local, load_session
from protocol.events import CatalogueArrived, ConnectionChanged, HeartbeatArrived, JobChanged, SnapshotArrived
from protocol.jobs import new_job_id
from protocol.messages import Catalogue, Priority, Welcome
from protocol.security import KeyPair, default_key_path, load_or_make_keys

from ..state.servers import ServerChoice
from .background import Background
from .local_server import LocalServer

SESSION = "desktop"
LOOK_AGAIN_MS = 1000
RESTARTS = 3
RESTART_WINDOW_S = 120.0


@dataclass
class Request:
    """All that a job needs to be run, or run again on a restarted server."""

    task: str
    inputs: Inputs
    parameters: dict[str, Any]
    label: str = ""
    priority: Priority = "interactive"
    keep: bool = False
    job_id: str = field(default_factory=new_job_id)


class Connection(QObject):
    """One client at a time. Requests made before a server is there wait; those that a lost server took with it are
    sent to its successor under the same id, which never runs a job twice."""

    state_changed = Signal(object, object)  # ConnectionState, Problem | None
    catalogue_changed = Signal(object)  # Catalogue
    job_changed = Signal(object)  # Job
    snapshot_arrived = Signal(object)  # list[JobSummary]
    heartbeat = Signal(object, float)  # ServerState, seconds
    _woken = Signal()

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.choice = ServerChoice()
        self.state = ConnectionState.OFFLINE
        self.problem: Problem | None = None
        self.catalogue: Catalogue | None = None
        self.local = LocalServer()
        self.public_key = ""  # the own one, for the owner of a server that does not know it
        self._background = background
        self._client: Client | None = None
        self._start_local = True
        self._open: dict[str, Request] = {}
        self._followed: set[str] = set()
        self._events: queue.SimpleQueue[tuple[Client | None, Event]] = queue.SimpleQueue()
        self._woken.connect(self._drain, Qt.ConnectionType.QueuedConnection)
        self._generation = 0
        self._restarts: list[float] = []
        self._look = QTimer(self)
        self._look.setInterval(LOOK_AGAIN_MS)
        self._look.timeout.connect(self._look_for_local)

    @property
    def server(self) -> Welcome | None:
        return self._client.server if self._client is not None else None

    @property
    def address(self) -> str:
        return self._client.address if self._client is not None else self.choice.address

    # --- which server ---

    def use(self, choice: ServerChoice, start_local: bool = True) -> None:
        """Connect to ``choice`` from now on. Jobs at the server left behind go on there."""
        if choice.name != self.choice.name or choice.address != self.choice.address:
            self._open.clear()
        self.choice, self._start_local = choice, start_local
        self._restarts.clear()
        self.connect_again()

    def connect_again(self) -> None:
        """Drop the connection and make it anew."""
        self._drop_client()
        self._generation += 1
        self._look.stop()
        self._set_state(ConnectionState.CONNECTING, None)
        generation = self._generation
        self._background.run(
            lambda: self._prepare(self.choice, self._start_local),
            lambda ready: self._open_client(*ready) if generation == self._generation else None,
            lambda problem: self._give_up(problem) if generation == self._generation else None,
        )

    def start_again(self) -> None:
        """Connect anew because the person asked: start a server on this computer even where that is not usual."""
        self._start_local = True
        self._restarts.clear()
        self.connect_again()

    def close(self, stop_local: bool) -> None:
        """Leave the server; also end it when this program started it and ``stop_local``."""
        self._generation += 1
        self._look.stop()
        client, self._client = self._client, None
        if client is not None:
            client.close()
        if stop_local:
            self.local.stop()

    def _prepare(self, choice: ServerChoice, start_local: bool) -> tuple[str, str, KeyPair | None, str]:
        """On a worker thread: address, server key, own keys and session."""
        if choice.is_local:
            file: ConnectionFile = self.local.ensure(start_local)
            address, server_key = file.address, file.server_key
        else:
            address, server_key = choice.address, choice.server_key
        keys = load_or_make_keys(default_key_path("client")) if server_key else None
        return address, server_key, keys, load_session(SESSION)

    def _open_client(self, address: str, server_key: str, keys: KeyPair | None, session: str) -> None:
        try:
            client = Client(
                address,
                name="desktop",
                session=session,
                keys=keys,
                server_key=server_key or None,
                on_event=lambda event: self._receive(client, event),
            )
        except ProblemError as error:
            self._give_up(error.problem)
            return
        self._client = client
        self.public_key = keys.public if keys is not None else ""
        for request in self._open.values():
            self._send(request)
        for job_id in self._followed - self._open.keys():
            client.attach(job_id, keep=True)
        client.start()
        if self.choice.is_local:
            self._look.start()

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        self.catalogue = None
        if client is not None:
            client.close(wait=False)

    def _give_up(self, problem: Problem) -> None:
        self._set_state(ConnectionState.OFFLINE, problem)
        if self.choice.is_local:
            self._look.start()

    def _look_for_local(self) -> None:
        """The local server may have been started, ended or restarted by somebody else."""
        if self.state is ConnectionState.CONNECTED:
            return
        found = find_local()
        if found is not None:
            if self._client is None or found.address != self._client.address:
                self.connect_again()
        elif self._client is not None:
            now = time.monotonic()
            self._restarts = [at for at in self._restarts if now - at < RESTART_WINDOW_S]
            if self._start_local and len(self._restarts) < RESTARTS:
                self._restarts.append(now)
                self.connect_again()
            else:
                self._drop_client()
                what = "The server on this computer has stopped."
                self._give_up(Problem(ErrorCode.UNREACHABLE, what, "Start it again, or choose another server."))

    # --- jobs ---

    def submit(self, request: Request) -> str:
        """Run a task now, or as soon as there is a server; returns the job's id. Never blocks."""
        self._open[request.job_id] = request
        if self._client is not None:
            self._send(request)
        return request.job_id

    def _send(self, request: Request) -> None:
        assert self._client is not None
        self._client.submit(
            request.task,
            request.inputs,
            request.parameters,
            priority=request.priority,
            label=request.label,
            job_id=request.job_id,
            keep=request.keep,
        )

    def follow(self, job_id: str, keep: bool = True) -> None:
        """Follow a job that an earlier run of this program made."""
        if keep:
            self._followed.add(job_id)
        if self._client is not None:
            self._client.attach(job_id, keep=keep)

    def cancel(self, job_id: str) -> bool:
        """Ask the server to stop a job; False when it never got as far as a server and is simply dropped."""
        job = self._client.jobs.get(job_id) if self._client is not None else None
        if job is None:
            self._open.pop(job_id, None)
            return False
        job.cancel()
        return True

    def is_open(self, job_id: str) -> bool:
        """Whether this run of the program asked for the job and it has not ended."""
        return job_id in self._open

    def forget(self, job_id: str) -> None:
        """Stop a job if it still runs, and let the server remove its result."""
        self._open.pop(job_id, None)
        self._followed.discard(job_id)
        if self._client is None:
            return
        job = self._client.attach(job_id)
        job.cancel()
        job.acknowledge()

    def release(self, handle: Handle) -> None:
        """Let the server free what ``handle`` names."""
        if self._client is not None:
            self._client.release(handle)

    def free_memory(self) -> None:
        """Ask the server to unload what is idle."""
        if self._client is not None:
            self._client.request_free_memory()

    # --- events ---

    def _receive(self, client: Client, event: Event) -> None:
        """On the network thread."""
        self._events.put((client, event))
        self._woken.emit()

    @Slot()
    def _drain(self) -> None:
        """Handle what has come; of several changes of one job only the last, as they all carry the same job."""
        batch: dict[object, tuple[Client | None, Event]] = {}
        for number in range(self._events.qsize()):
            client, event = self._events.get_nowait()
            key: object = event.job.id if isinstance(event, JobChanged) else number
            batch.pop(key, None)
            batch[key] = (client, event)
        for client, event in batch.values():
            if client is self._client and client is not None:
                self._handle(client, event)

    def _handle(self, client: Client, event: Event) -> None:
        match event:
            case ConnectionChanged():
                self._set_state(event.state, event.problem)
                if event.state is ConnectionState.CONNECTED:
                    client.request_catalogue()
            case CatalogueArrived():
                self.catalogue = event.catalogue
                self.catalogue_changed.emit(event.catalogue)
            case SnapshotArrived():
                self.snapshot_arrived.emit(event.jobs)
            case HeartbeatArrived():
                self.heartbeat.emit(event.state, event.round_trip_s)
            case JobChanged():
                self._job_changed(client, event.job)

    def _job_changed(self, client: Client, job: Job) -> None:
        if job.state.is_final:
            self._open.pop(job.id, None)
            self._followed.discard(job.id)
        self.job_changed.emit(job)

    def _set_state(self, state: ConnectionState, problem: Problem | None) -> None:
        if (state, problem) != (self.state, self.problem):
            self.state, self.problem = state, problem
            self.state_changed.emit(state, problem)
