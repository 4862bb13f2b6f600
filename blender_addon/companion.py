"""The companion process: it talks to the server and makes results ready, so that Blender's own process has no thread of
Python but its own. Blender crashes with others (docs/blender.md). No bpy.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import zmq

from . import crossing
from .prepare import NotReady, Preparer, Ready
from .protocol import Client, ErrorCode, Event, Handle, Job, JobState, Problem
from .protocol.events import CatalogueArrived, ConnectionChanged, HeartbeatArrived, JobChanged, SnapshotArrived
from .protocol.frames import Buffer
from .protocol.security import KeyPair, make_keys
from .protocol.states import ConnectionState

logger = logging.getLogger("wholeform.companion")

HEARD = "inproc://heard"  # from the clients' network threads to the loop


def run(address: str, key: str) -> None:
    """Serve the Blender that listens at ``address`` and has that public ``key``, until it is gone."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    context = zmq.Context()
    heard = context.socket(zmq.PULL)
    heard.rcvhwm = 0
    heard.bind(HEARD)
    blender = context.socket(zmq.DEALER)
    blender.linger = blender.sndhwm = blender.rcvhwm = 0
    keys = make_keys()
    blender.curve_publickey, blender.curve_secretkey = keys.public.encode(), keys.secret.encode()
    blender.curve_serverkey = key.encode()
    gone = blender.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED)
    companion = Companion(context)
    blender.connect(address)
    poller = zmq.Poller()
    for socket in (heard, blender, gone):
        poller.register(socket, zmq.POLLIN)
    while True:
        ready = dict(poller.poll())
        if gone in ready:
            break
        if heard in ready:
            blender.send_multipart(heard.recv_multipart(copy=False), copy=False)
        if blender in ready:
            parts = blender.recv_multipart(copy=False)
            try:
                companion.take([part.buffer for part in parts])
            except Exception:  # one bad request must not end what is done for the others
                logger.exception("a request could not be carried out")
    companion.close(wait=True)


class Companion:
    """At most one client at a time, which talks to the server that Blender named last."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self._context = context
        self._client: Client | None = None

    def take(self, parts: Sequence[Buffer]) -> None:
        """Carry out one request of Blender's."""
        request, frames = crossing.unpack(parts, crossing.Request)
        client = self._client
        match request:
            case crossing.Connect():
                self._connect(request)
            case crossing.Close():
                self.close()
            case _ if client is None:
                pass  # asked of a connection that was closed meanwhile
            case crossing.Submit():
                inputs = crossing.Whole(request.inputs, request.blobs, frames)
                client.submit(
                    request.task,
                    dict(inputs),
                    request.parameters,
                    priority=request.priority,
                    label=request.label,
                    job_id=request.job,
                    keep=request.keep,
                )
            case crossing.Attach():
                client.attach(request.job, request.task, label=request.label, keep=request.keep)
            case crossing.Control(action="forget"):
                client.forget(request.job)
            case crossing.Control() if request.job in client.jobs:
                job = client.jobs[request.job]
                job.cancel() if request.action == "cancel" else job.acknowledge()
            case crossing.Ask(what="catalogue"):
                client.request_catalogue()
            case crossing.Ask(what="ping"):
                client.request_ping()
            case crossing.Ask(what="free_memory"):
                client.request_free_memory()
            case crossing.Free():
                client.release(Handle(request.handle, request.holds))

    def close(self, *, wait: bool = False) -> None:
        """End the connection, if there is one."""
        client, self._client = self._client, None
        if client is not None:
            client.close(wait=wait)

    def _connect(self, request: crossing.Connect) -> None:
        self.close()
        listener = _Listener(self._context, request.number)
        client = Client(
            request.address,
            name=request.name,
            session=request.session,
            keys=KeyPair(request.public, request.secret) if request.public else None,
            server_key=request.server_key or None,
            on_event=lambda event: listener.on_event(client, event),
        )
        self._client = client
        client.start()


class _Listener:
    """What one client tells, on its network thread, goes to the loop from here."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], number: int) -> None:
        self._context = context
        self._number = number
        self._preparer = Preparer()
        self._socket: zmq.Socket[bytes] | None = None

    def on_event(self, client: Client, event: Event) -> None:
        match event:
            case ConnectionChanged():
                self._tell(crossing.Connection(self._number, event.state, event.problem, client.server))
                if event.state is ConnectionState.OFFLINE and self._socket is not None:
                    self._socket.close()  # it may have been the last thing that this thread says
                    self._socket = None
            case CatalogueArrived():
                self._tell(crossing.Known(self._number, event.catalogue))
            case HeartbeatArrived():
                self._tell(crossing.Beat(self._number, event.state, event.round_trip_s))
            case SnapshotArrived():
                self._tell(crossing.Jobs(self._number, event.jobs))
            case JobChanged():
                self._on_job(event.job)

    def _on_job(self, job: Job) -> None:
        self._bring(job, self._preparer.previews)
        self._tell_news(job)
        if job.state is JobState.DONE:
            self._bring(job, self._preparer.result)
        if job.state.is_final:
            job.outputs = None  # Blender has them now; a job that is kept would keep them here as well
            job.previews.clear()

    def _bring(self, job: Job, made: Callable[[Job], Iterator[Ready]]) -> None:
        try:
            for ready in made(job):
                self._tell(crossing.Brought(self._number, ready))
        except Exception as error:
            logger.exception("a result could not be made ready")
            what = Problem(ErrorCode.INTERNAL, f"The result could not be read: {error}.", "Run it again.", job.id)
            self._tell(crossing.Brought(self._number, NotReady(job.id, what)))

    def _tell_news(self, job: Job) -> None:
        said = job.progress, job.problem, dict(job.info), job.uploaded
        news = crossing.News(self._number, job.id, job.task, job.state, *said)
        frames: list[Buffer] = []
        if job.outputs is not None:
            values = {name: job.outputs[name] for name in job.outputs.names}
            news.outputs, news.blobs, frames = crossing.pack_whole(values)
        self._tell(news, frames)

    def _tell(self, tidings: crossing.Tidings, frames: Sequence[Buffer] = ()) -> None:
        if self._socket is None:
            self._socket = self._context.socket(zmq.PUSH)
            self._socket.sndhwm = 0
            self._socket.connect(HEARD)
        self._socket.send_multipart(crossing.pack(tidings, frames), copy=False)
