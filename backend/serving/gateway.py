"""The gateway: one thread that owns the ROUTER and never computes. It answers clients and moves jobs along."""

from __future__ import annotations

import logging
import secrets
import signal
import socket as host
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import msgspec
import zmq

from backend import __version__
from backend.hub.registry import model_infos
from protocol.connection import is_loopback
from protocol.frames import Buffer, decode_message
from protocol.messages import (
    LOOPBACK_BUFFER,
    PRODUCT,
    PROTOCOL,
    Acknowledge,
    Attach,
    Bye,
    Cancel,
    Catalogue,
    Describe,
    Fetch,
    Freed,
    FreeMemory,
    Hello,
    ListJobs,
    Piece,
    Ping,
    Pong,
    Refused,
    Release,
    Released,
    ServerState,
    Snapshot,
    Submit,
    Upload,
    Welcome,
)
from protocol.problems import ErrorCode, Problem, ProblemError
from protocol.tasks import TASKS

from .authentication import keys_for, secure
from .blobs import BlobStore
from .clients import Clients, owner_of
from .disk import Disk
from .jobs import Jobs
from .options import ServeOptions
from .pool import Slot, WorkerPool
from .store import JobStore
from .worker_messages import Drop, Free, FreedBytes

logger = logging.getLogger("wholeform.gateway")

LOOK_S = 0.02
TIDY_S = 60.0
MAX_MESSAGE_FRAME = 2 << 20  # a header and a piece have at most 1 MiB


class Gateway:
    """Binds at construction, serves in `run` until `stop`.

    Raises ProblemError (KEY_REFUSED) for an open bind without keys, zmq.ZMQError when the address is taken.
    """

    def __init__(self, options: ServeOptions) -> None:
        self._options = options
        self.id = secrets.token_hex(8)
        keys = keys_for(options)
        self.server_key = keys.public if keys else ""
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 200
        self._socket.ipv6 = "[" in options.bind  # else the bound address would read [::ffff:127.0.0.1]
        self._socket.router_mandatory = True
        self._socket.sndhwm = self._socket.rcvhwm = 256
        self._socket.maxmsgsize = MAX_MESSAGE_FRAME
        if is_loopback(options.bind):
            self._socket.sndbuf = self._socket.rcvbuf = LOOPBACK_BUFFER
        self._socket.heartbeat_ivl, self._socket.heartbeat_timeout = 5000, 20000
        self._authenticator = secure(self._context, self._socket, keys, options.allowed_file) if keys else None
        try:
            self._socket.bind(options.bind)
        except zmq.ZMQError:
            self._close_sockets()
            raise
        self.address = self._socket.last_endpoint.decode()
        self._store = JobStore(options.state / "jobs.sqlite")
        self._disk = Disk(self._context)
        self._blobs = BlobStore(options.state, options.disk_reserve, self._disk)
        self._pool = WorkerPool(self._context, options, options.state / "worker.log")
        self._clients = Clients(self._socket)
        self._jobs = Jobs(options, self._store, self._blobs, self._pool, self._clients, dict(TASKS), model_infos())
        self._freeing: dict[bytes, tuple[int, int]] = {}  # who asked to free memory: answers to come, bytes so far
        self._began = time.monotonic()
        self._running = True
        self._handlers: dict[type, Callable[[bytes, str, Any, list[Buffer]], None]] = {
            Describe: self._on_describe,
            Submit: self._on_submit,
            Attach: self._on_attach,
            Upload: self._on_upload,
            Fetch: self._on_fetch,
            Cancel: self._on_cancel,
            Acknowledge: self._on_acknowledge,
            ListJobs: self._on_list_jobs,
            Release: self._on_release,
            FreeMemory: self._on_free_memory,
        }

    def stop(self) -> None:
        """End `run` soon; may be called from a signal handler."""
        self._running = False

    def run(self) -> None:
        """Serve. Jobs that are still there at the end go on at the next start."""
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._pool.socket, zmq.POLLIN)
        poller.register(self._disk.socket, zmq.POLLIN)
        looked, tidied = 0.0, 0.0
        try:
            while self._running:
                poller.poll(100)
                self._disk.finish()
                self._hear_clients()
                for slot, message, arrays in self._pool.receive():
                    self._hear_worker(slot, message, arrays)
                now = time.monotonic()
                if now - looked > LOOK_S:
                    looked = now
                    self._look_after_all()
                if now - tidied > TIDY_S:
                    tidied = now
                    self._tidy()
        finally:
            self._pool.close()
            self._disk.close()
            self._store.close()
            self._close_sockets()

    def _hear_worker(self, slot: Slot, message: Any, arrays: list[Buffer]) -> None:
        job = slot.job
        try:
            if isinstance(message, FreedBytes):
                self._on_freed(message)
            else:
                self._jobs.on_worker(slot, message, arrays)
        except Exception:  # whatever it is, the other jobs go on
            self._jobs.fail(job, self._fault("The server failed at what its worker said."))

    def _fault(self, what: str) -> Problem:
        """The problem of an unexpected error; its traceback goes to the log under the same reference."""
        reference = secrets.token_hex(4)
        logger.exception("reference %s", reference)
        return Problem(ErrorCode.INTERNAL, what, f"Try again, or tell its owner the reference {reference}.", reference)

    def _tidy(self) -> None:
        try:
            self._jobs.tidy()
        except (OSError, sqlite3.Error):  # tried again in a minute
            logger.exception("tidying failed")

    def _look_after_all(self) -> None:
        """What costs more the more there is: not on the way of every message."""
        self._pool.start_missing()
        for _, job in self._pool.reap():
            self._jobs.on_lost_worker(job)
        self._jobs.hand_out()
        self._jobs.tell_places()
        self._jobs.watch()
        self._clients.flush()

    def _close_sockets(self) -> None:
        if self._authenticator is not None:
            self._authenticator.stop()
        self._context.destroy(linger=200)

    def _hear_clients(self) -> None:
        for _ in range(64):  # then look after workers
            if self._disk.is_full:
                return
            try:
                route, *parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._on_frames(route.bytes, parts)

    def _on_frames(self, route: bytes, parts: list[zmq.Frame]) -> None:
        about, job = "", ""
        try:
            message, arrays = decode_message([part.buffer for part in parts], "client")
            about, job = message.__struct_config__.tag, getattr(message, "job", "")
            self._on_message(route, parts, message, arrays)
        except ProblemError as error:
            self._clients.send(route, Refused(error.problem, about, job), droppable=True)
        except Exception:
            problem = self._fault("The server failed at this message, by a fault of its own.")
            self._clients.send(route, Refused(problem, about, job), droppable=True)

    def _on_message(self, route: bytes, parts: list[zmq.Frame], message: Any, arrays: list[Buffer]) -> None:
        connection = self._clients.get(route)
        if isinstance(message, Hello):
            self._on_hello(route, _user_of(parts[0]), message)
        elif isinstance(message, Ping):
            owner = connection.owner if connection is not None else ""
            self._clients.send(route, Pong(message.token, self._state(owner)), droppable=True)
        elif connection is None:
            # "about" tells the client's link to begin anew.
            problem = Problem(ErrorCode.BAD_MESSAGE, "Say hello first.", "Connect again.")
            self._clients.send(route, Refused(problem, "hello"), droppable=True)
        elif isinstance(message, Bye):
            self._clients.remove(route)
        else:
            self._handlers[type(message)](route, connection.owner, message, arrays)

    # --- handlers ---

    def _on_hello(self, route: bytes, user: str, message: Hello) -> None:
        if message.product != PRODUCT:
            raise ProblemError(ErrorCode.WRONG_SERVER, f"This is a {PRODUCT} server.", "Check the address.")
        owner = owner_of(message.session, user)
        self._clients.add(route, owner, message.client)
        names = ", ".join(dict.fromkeys(self._pool.device_names.values()))
        welcome = Welcome(
            PRODUCT, PROTOCOL, __version__, self.id, self._options.limits, host.gethostname(), names, self._state(owner)
        )
        self._clients.send(route, welcome)
        self._clients.send(route, Snapshot(self._jobs.snapshot(owner)))

    def _on_describe(self, route: bytes, owner: str, message: Describe, arrays: list[Buffer]) -> None:
        # Read anew: a model may have been fetched or removed since the start.
        self._clients.send(route, Catalogue(list(TASKS.values()), model_infos()))

    def _on_submit(self, route: bytes, owner: str, message: Submit, arrays: list[Buffer]) -> None:
        self._jobs.submit(owner, route, message, arrays)

    def _on_attach(self, route: bytes, owner: str, message: Attach, arrays: list[Buffer]) -> None:
        self._jobs.attach(owner, route, message.job)

    def _on_upload(self, route: bytes, owner: str, message: Upload, arrays: list[Buffer]) -> None:
        if len(arrays) != 1:
            raise ProblemError(ErrorCode.BAD_MESSAGE, "An upload has exactly one array frame.", "See docs/protocol.md.")
        self._jobs.upload(owner, route, message, arrays[0])

    def _on_fetch(self, route: bytes, owner: str, message: Fetch, arrays: list[Buffer]) -> None:
        data, total = self._jobs.fetch(owner, message.job, message.digest, message.offset, message.size)
        self._clients.send(route, Piece(message.digest, message.offset, total), [data])

    def _on_cancel(self, route: bytes, owner: str, message: Cancel, arrays: list[Buffer]) -> None:
        self._jobs.cancel(owner, message.job)

    def _on_acknowledge(self, route: bytes, owner: str, message: Acknowledge, arrays: list[Buffer]) -> None:
        self._jobs.acknowledge(owner, message.job)

    def _on_list_jobs(self, route: bytes, owner: str, message: ListJobs, arrays: list[Buffer]) -> None:
        self._clients.send(route, Snapshot(self._jobs.snapshot(owner)))

    def _on_release(self, route: bytes, owner: str, message: Release, arrays: list[Buffer]) -> None:
        self._pool.send_all(Drop(message.handle))
        self._clients.send(route, Released(message.handle))

    def _on_free_memory(self, route: bytes, owner: str, message: FreeMemory, arrays: list[Buffer]) -> None:
        ready = [slot for slot in self._pool.slots if slot.route]
        if not ready:
            self._clients.send(route, Freed(0))
            return
        self._freeing[route] = (len(ready), 0)
        for slot in ready:
            self._pool.send(slot, Free())

    def _on_freed(self, message: FreedBytes) -> None:
        for route, (waiting, nbytes) in list(self._freeing.items()):
            if waiting == 1:
                del self._freeing[route]
                self._clients.send(route, Freed(nbytes + message.nbytes))
            else:
                self._freeing[route] = (waiting - 1, nbytes + message.nbytes)

    def _state(self, owner: str) -> ServerState:
        workers = []
        for slot in self._pool.slots:
            state = slot.state
            if state.job and not self._jobs.owns(owner, state.job):
                state = msgspec.structs.replace(state, job="", stage="")
            workers.append(state)
        uptime = time.monotonic() - self._began
        return ServerState(uptime, self._jobs.queued, self._jobs.running, len(self._clients), workers)


def _user_of(frame: zmq.Frame) -> str:
    """The CURVE key that the connection was let in with, or nothing."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return ""


def run_until_signal(gateway: Gateway) -> None:
    """Serve until SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: gateway.stop())
    gateway.run()
