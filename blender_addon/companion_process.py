"""Blender's end of the companion process: starting it, and messages to and from it. Nothing here waits. No bpy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import zmq

from . import processes
from .protocol import ErrorCode, ProblemError
from .protocol.connection import runtime_dir
from .protocol.frames import Buffer
from .protocol.security import make_keys

START = Path(__file__).with_name("companion_start.py")


def python() -> str:
    """Blender's own Python as a program."""
    if Path(sys.executable or "").name.lower().startswith("python"):
        return sys.executable
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}" if os.name != "nt" else "python.exe"
    return str(Path(sys.prefix) / "bin" / name)


class CompanionProcess:
    """One companion at a time. It ends by itself once Blender is gone or has let go of it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._outbox: deque[list[Buffer]] = deque()
        self._log = runtime_dir() / "blender-companion.log"
        self.has_answered = False  # it has said something since it was started

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def failure(self) -> str:
        """Why it ended by itself; empty while it runs, or where none was started."""
        code = self._process.poll() if self._process is not None else None
        if code is None:
            return ""
        return f"The process that talks to the server ended {processes.ending(code, self._log)}"

    def start(self) -> None:
        """Start one, in place of one that ended. Raises ProblemError (INTERNAL) where that cannot be."""
        self.stop()
        keys = make_keys()
        self._context = zmq.Context()
        self._socket = socket = self._context.socket(zmq.DEALER)
        socket.linger = socket.sndhwm = socket.rcvhwm = 0
        # Only who was told this key can talk here: nothing else on this computer was.
        socket.curve_server = True
        socket.curve_secretkey = keys.secret.encode()
        packages = list(dict.fromkeys(str(Path(str(module.__file__)).parents[1]) for module in (zmq, msgspec, np)))
        try:
            socket.bind("tcp://127.0.0.1:*")
            told = {"packages": packages, "address": socket.last_endpoint.decode(), "key": keys.public}
            self._process = processes.start([python(), "-I", str(START)], self._log, stdin=subprocess.PIPE)
            assert self._process.stdin is not None
            with self._process.stdin as entrance:
                entrance.write(json.dumps(told).encode() + b"\n")
        except (OSError, ValueError, zmq.ZMQError) as error:
            what = f"Blender's Python “{python()}” cannot be started beside Blender: {error}."
            raise ProblemError(
                ErrorCode.INTERNAL, what, "It talks to the server: see that this computer lets it run."
            ) from None

    def send(self, parts: list[Buffer]) -> None:
        """Send, now or as soon as the companion is there."""
        self._outbox.append(parts)
        self._flush()

    def receive(self) -> Sequence[Buffer] | None:
        """The parts of the next message, or None."""
        self._flush()
        if self._socket is None:
            return None
        try:
            parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return None
        self.has_answered = True
        return [part.buffer for part in parts]

    def stop(self) -> None:
        """Let go of it: it says goodbye to the server and ends."""
        if self._context is not None:
            self._context.destroy(linger=0)
        self._outbox.clear()
        self._process = self._context = self._socket = None
        self.has_answered = False

    def _flush(self) -> None:
        while self._outbox and self._socket is not None:
            try:
                # Copied: what pyzmq does not copy it looks after in a thread of Python.
                self._socket.send_multipart(self._outbox[0], zmq.NOBLOCK)
            except zmq.Again:
                return
            self._outbox.popleft()
