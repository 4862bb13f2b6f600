"""The add-on's side of the connection to one server. No bpy here: its callbacks run on the network thread.

There is one network thread, the protocol client's own. Requests reach it through the client's queue; what happens
comes back through `Network.events`, which pump.py empties on Blender's main thread.
"""

from __future__ import annotations

import logging
import queue
from typing import Any

from .prepare import NotReady, Preparer, Ready
from .protocol import (
    Client,
    ConnectionState,
    ErrorCode,
    Event,
    Job,
    JobChanged,
    JobState,
    Problem,
    ProblemError,
    Value,
)
from .protocol.connection import find_local, load_session
from .protocol.security import default_key_path, load_or_make_keys
from .servers import Server

logger = logging.getLogger("wholeform.blender")

SESSION = "blender"


class Network:
    """At most one client at a time. Nothing here waits."""

    def __init__(self, program: str = "blender") -> None:
        self.program = program
        self.client: Client | None = None
        self.server: Server | None = None
        self._events: queue.SimpleQueue[tuple[Client, Event | Ready]] = queue.SimpleQueue()
        self._local_start = ""  # which start of the local server the client talks to

    # --- main thread ---

    @property
    def state(self) -> ConnectionState:
        return self.client.state if self.client is not None else ConnectionState.OFFLINE

    @property
    def problem(self) -> Problem | None:
        return self.client.problem if self.client is not None else None

    def connect(self, server: Server) -> bool:
        """Start talking to ``server``. False when it is the local one and none runs. Raises ProblemError for an address
        that cannot be read or keys that cannot be loaded."""
        self.close()
        self.server = server
        address, key = server.address.strip(), server.key.strip()
        if server.is_local:
            found = find_local()
            if found is None:
                return False
            address, key, self._local_start = found.address, found.server_key, found.server
        preparer = Preparer()
        client = Client(
            address,
            name=self.program,
            session=load_session(SESSION),
            keys=load_or_make_keys(default_key_path("client")) if key else None,
            server_key=key or None,
            on_event=lambda event: self._on_event(client, preparer, event),
        )
        self.client = client
        client.start()
        return True

    def local_moved(self) -> bool:
        """Whether the local server has been started anew since the client was made (it may have another port)."""
        if self.server is None or not self.server.is_local or self.client is None:
            return False
        found = find_local()
        return found is not None and found.server != self._local_start

    def close(self) -> None:
        """End the connection; jobs go on at the server."""
        client, self.client = self.client, None
        if client is not None:
            client.close(wait=False)

    def take(self) -> Event | Ready | None:
        """The next thing that happened, or None. What came from an earlier connection is dropped."""
        while True:
            try:
                client, event = self._events.get_nowait()
            except queue.Empty:
                return None
            if client is self.client:
                return event

    def submit(self, task: str, inputs: dict[str, Value], parameters: dict[str, Any], label: str, keep: bool) -> Job:
        """Run a task. Raises ProblemError (UNREACHABLE) without a client."""
        if self.client is None:
            raise ProblemError(
                ErrorCode.UNREACHABLE, "There is no connection to a server.", "Start a local server, or choose one."
            )
        return self.client.submit(task, dict(inputs), parameters, label=label, keep=keep)

    # --- network thread ---

    def _on_event(self, client: Client, preparer: Preparer, event: Event) -> None:
        if not isinstance(event, JobChanged):
            self._events.put((client, event))
            return
        job = event.job
        try:
            for ready in preparer.previews(job):
                self._events.put((client, ready))
            if job.state is JobState.DONE:
                for ready in preparer.result(job):
                    self._events.put((client, ready))
        except Exception as error:
            logger.exception("a result could not be made ready")
            what = Problem(ErrorCode.INTERNAL, f"The result could not be read: {error}.", "Run it again.", job.id)
            self._events.put((client, NotReady(job.id, what)))
        self._events.put((client, event))
