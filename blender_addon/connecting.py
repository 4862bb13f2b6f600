"""Connecting to the chosen server and staying with the local one. Nothing here waits."""

from __future__ import annotations

import time
from collections.abc import Callable

from . import compat, preferences, timer
from .protocol import ErrorCode, ProblemError
from .servers import Server
from .session import JobRecord, Session, current

LOOK_S = 1.0  # how often a local server is looked for

ONLINE_OFF = "Blender's online access is off"
ONLINE_HINT = "Allow it in Preferences > System > Network, or use a server on this computer."


def check_online(server: Server) -> None:
    """ProblemError (UNREACHABLE) when ``server`` is elsewhere and Blender may not go online."""
    if server.needs_online_access and not compat.online_access():
        raise ProblemError(ErrorCode.UNREACHABLE, f"{ONLINE_OFF}.", ONLINE_HINT)


def connect(server: Server | None = None) -> None:
    """Start connecting to ``server``, or to the one chosen in the preferences. Raises ProblemError when that cannot
    even be tried; whether anybody answers shows later."""
    session = current()
    server = server or preferences.server()
    check_online(server)
    session.catalogue = session.heartbeat = session.round_trip_s = None
    session.note = ""
    if not _take_up(session, server) and not session.local.runs:
        session.note = "No server runs on this computer yet"
    session.reached_at = time.monotonic()
    timer.ensure()


def ensure() -> None:
    """Connect if there is no connection yet, starting a local server where the chosen one is local and none runs.
    Raises ProblemError as `connect` and LocalServer.start do."""
    session = current()
    if session.network.client is None:
        connect()
    if session.network.client is None:
        start_local()


def when_ready(submit: Callable[[], None]) -> None:
    """Call ``submit`` now, or as soon as the local server that is being started has a client. Raises ProblemError as
    `ensure` and ``submit`` do; one that comes later is shown in the panel."""
    session = current()
    ensure()
    if session.network.client is not None:
        submit()
    else:
        session.waiting.append(submit)


def start_local() -> None:
    """Start a server on this computer; the pump connects to it once it is there. Raises ProblemError (NOT_FOUND)."""
    session = current()
    session.local.start(preferences.get().command)
    session.network.close()
    session.network.server = Server(preferences.LOCAL_NAME)
    session.note = "Starting a server on this computer"
    timer.ensure()


def watch() -> None:
    """Look after the local server: connect to it once it runs, follow it when it was started anew, say when it died.
    Called by the pump; looks once a second."""
    session = current()
    now = time.monotonic()
    if session.connected:
        session.reached_at = now
    if now - session.looked_at < LOOK_S:
        return
    session.looked_at = now
    network = session.network
    server = network.server
    if server is not None and network.lost_companion():
        _take_up(session, server)
        return
    if server is None or not server.is_local or session.connected:
        return
    if not session.local.runs and session.local.failure:
        session.note = session.local.failure
        session.waiting.clear()
    if (network.client is None or network.local_moved()) and _take_up(session, server):
        session.note = ""
        _submit_waiting(session)


def _take_up(session: Session, server: Server) -> bool:
    """Connect anew and go on with the jobs under way; False where nobody is there (Network.connect)."""
    left = session.active
    if not session.network.connect(server):
        return False
    _adopt(session, left)
    return True


def _submit_waiting(session: Session) -> None:
    waiting, session.waiting = session.waiting, []
    for submit in waiting:
        try:
            submit()
        except ProblemError as error:
            session.note = str(error)


def _adopt(session: Session, records: list[JobRecord]) -> None:
    """Take jobs under way over to the new client. Submitting an id again attaches to that job where it is known."""
    client = session.network.client
    assert client is not None
    for painting in session.paintings.values():
        painting.jobs.clear()  # the next stroke, or button, asks anew
    for record in records:
        old = record.job
        if old.inputs is None:
            record.job = client.attach(old.id, old.task, label=old.label, keep=True)
        else:
            inputs, parameters = dict(old.inputs), old.parameters
            record.job = client.submit(
                old.task, inputs, parameters, label=old.label, job_id=old.id, keep=True, priority=old.priority
            )
