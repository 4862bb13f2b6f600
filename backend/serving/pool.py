"""The worker processes of a gateway: start them, hear them, end those that hang, replace those that die."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import zmq

from protocol.frames import Buffer
from protocol.messages import WorkerState

from .options import ServeOptions
from .worker_messages import Beat, Quit, Ready, WorkerSettings, decode_from_worker, encode

logger = logging.getLogger("wholeform.pool")

SILENT_S = 60.0  # importing and loading may hold the interpreter for long, but not for ever
LIVED_S = 60.0  # a worker that lived so long did not die of its start
RESTART_S = (0.0, 1.0, 5.0, 15.0)  # pauses before a worker that keeps dying is started again


@dataclass
class Slot:
    """One device's place: the worker process that has it now, and the job it runs."""

    number: int
    device: str
    process: subprocess.Popen[bytes] | None = None
    token: str = ""
    route: bytes = b""  # set once the worker is ready
    job: str = ""
    heard: float = 0.0
    started: float = 0.0
    deaths: int = 0
    start_at: float = 0.0
    state: WorkerState = field(default_factory=WorkerState)

    @property
    def is_free(self) -> bool:
        return bool(self.route) and not self.job


class WorkerPool:
    """All workers. Used by the gateway's thread alone."""

    def __init__(self, context: zmq.Context[Any], options: ServeOptions, log: Path) -> None:
        self._options = options
        self._log = log
        self._folder = tempfile.mkdtemp(prefix="wholeform-")
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.router_mandatory = True
        if sys.platform == "win32":
            self._endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"
        else:
            self._endpoint = f"ipc://{self._folder}/workers"
            self.socket.bind(self._endpoint)
        self.slots = [Slot(number, device) for number, device in enumerate(options.devices)]
        self.device_names: dict[str, str] = {}

    def start_missing(self) -> None:
        """Start a process for every slot that has none and whose pause is over."""
        now = time.monotonic()
        for slot in self.slots:
            if slot.process is None and now >= slot.start_at:
                self._start(slot)

    def _start(self, slot: Slot) -> None:
        slot.token, slot.route = secrets.token_hex(16), b""
        slot.heard = slot.started = time.monotonic()
        slot.state = WorkerState(device=slot.device)
        settings = WorkerSettings(
            self._endpoint,
            slot.token,
            slot.number,
            slot.device,
            os.getpid(),
            self._options.handle_budget,
            self._options.model_idle_s,
            self._options.warm,
            self._options.vram_budget,
        )
        with self._log.open("ab") as log:
            slot.process = subprocess.Popen(
                [sys.executable, "-m", "backend.serving.worker"], stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        assert slot.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            slot.process.stdin.write(msgspec.json.encode(settings) + b"\n")
            slot.process.stdin.close()
        logger.info("worker %d started as process %d", slot.number, slot.process.pid)

    def receive(self) -> list[tuple[Slot, Any, list[Buffer]]]:
        """What the workers said since the last call."""
        heard: list[tuple[Slot, Any, list[Buffer]]] = []
        with contextlib.suppress(zmq.Again):
            while len(heard) < 64:
                route, header, *arrays = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
                message = decode_from_worker(header.buffer)
                slot = self._slot_of(route.bytes, message)
                if slot is not None:
                    slot.heard = time.monotonic()
                    if isinstance(message, Beat):
                        slot.state = message.state
                    heard.append((slot, message, [frame.buffer for frame in arrays]))
        return heard

    def _slot_of(self, route: bytes, message: Any) -> Slot | None:
        for slot in self.slots:
            if isinstance(message, Ready) and secrets.compare_digest(slot.token, message.token):
                slot.route = route
                self.device_names[slot.device] = message.device_name
            if slot.route == route:
                return slot
        return None

    def send(self, slot: Slot, message: Any, arrays: Sequence[Any] = ()) -> None:
        """Send to a worker; a dead one is noticed by `reap`."""
        with contextlib.suppress(zmq.ZMQError):
            self.socket.send_multipart([slot.route, encode(message), *arrays], zmq.NOBLOCK, copy=False)

    def send_all(self, message: Any) -> None:
        for slot in self.slots:
            if slot.route:
                self.send(slot, message)

    def reap(self) -> list[tuple[Slot, str]]:
        """The slots whose process has ended or hung since the last call, with the jobs that they ran."""
        lost: list[tuple[Slot, str]] = []
        for slot in self.slots:
            process = slot.process
            if process is None:
                continue
            if process.poll() is None and time.monotonic() - slot.heard > SILENT_S:
                logger.error("worker %d says nothing: ending it", slot.number)
                self.kill(slot)
            code = process.poll()
            if code is not None:
                logger.warning(
                    "worker %d ended with %d%s", slot.number, code, f" in job {slot.job}" if slot.job else ""
                )
                lost.append((slot, slot.job))
                if time.monotonic() - slot.started > LIVED_S:
                    slot.deaths = 0
                slot.start_at = time.monotonic() + RESTART_S[min(slot.deaths, len(RESTART_S) - 1)]
                slot.deaths += 1
                slot.process, slot.route, slot.job = None, b"", ""
                slot.state = WorkerState(device=slot.device)
        return lost

    def kill(self, slot: Slot) -> None:
        """End a worker at once; `reap` reports it."""
        if slot.process is not None:
            slot.process.kill()
            slot.process.wait()

    def close(self) -> None:
        """End all workers, politely first."""
        self.send_all(Quit())
        deadline = time.monotonic() + 1.0
        for slot in self.slots:
            if slot.process is not None:
                busy = bool(slot.job) or not slot.route
                with contextlib.suppress(subprocess.TimeoutExpired):
                    slot.process.wait(0 if busy else max(0.0, deadline - time.monotonic()))
                self.kill(slot)
        self.socket.close(0)
        shutil.rmtree(self._folder, ignore_errors=True)
