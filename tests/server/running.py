"""A server in a process of its own with any options, and a client that speaks single messages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import zmq

from backend.serving.options import ServeOptions
from protocol import Client
from protocol.connection import ConnectionFile, new_session
from protocol.frames import decode_message, encode_message
from protocol.messages import PRODUCT, PROTOCOL, Hello

_SERVE = """
import sys
from pathlib import *
from backend.serving.options import ServeOptions
from backend.serving.server import serve
from protocol.messages import Limits
from protocol.problems import ProblemError
try:
    sys.exit(serve({options}))
except ProblemError as error:
    sys.exit(str(error))
"""


class RunningServer:
    """``options`` are those of ServeOptions; ``folder`` holds its jobs, logs and connection file."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.options = ServeOptions(**{"bind": "tcp://127.0.0.1:0", "state": folder, "warm": False, **options})
        self.address = ""
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process without waiting."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", _SERVE.format(options=self.options)],
                stdout=log,
                stderr=log,
                env={**os.environ, "WHOLEFORM_RUNTIME_DIR": str(self.folder / "run")},
            )

    def start(self) -> RunningServer:
        """Start and wait until clients can connect; a second start binds to the same address."""
        file = self.folder / "run" / "connection.json"
        file.unlink(missing_ok=True)
        if self.address:
            self.options = ServeOptions(**{**vars(self.options), "bind": self.address})
        self.process = self.launch()
        wait_for(lambda: file.exists() or self.process is None or self.process.poll() is not None, 15)
        assert file.exists(), self.log()
        self.address = msgspec.json.decode(file.read_bytes(), type=ConnectionFile).address
        return self

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def runs(self, job: str) -> int:
        """How often a worker began this job."""
        path = self.folder / "worker.log"
        return path.read_text().count(f"job {job}: ") if path.exists() else 0

    def worker(self) -> psutil.Process:
        """The worker process, once there is one."""
        found: list[psutil.Process] = []

        def look() -> bool:
            assert self.process is not None
            found[:] = [p for p in psutil.Process(self.process.pid).children() if "backend.serving.worker" in _line(p)]
            return bool(found)

        wait_for(look, 10)
        return found[0]

    def client(self, **options: Any) -> Client:
        """A connected client."""
        client = Client(self.address, **options)
        client.connect(10)
        return client

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(15)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGTERM)


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def wait_for(met: Callable[[], object], timeout: float = 10.0) -> None:
    """Wait until ``met()`` is true."""
    deadline = time.monotonic() + timeout
    while not met():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


class RawClient:
    """One DEALER; sends what it is told and shows every answer."""

    def __init__(self, address: str, session: str = "", hello: bool = True) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(address)
        if hello:
            self.send(Hello(session or new_session(), PRODUCT, PROTOCOL, "raw"))
            self.expect("welcome")
            self.expect("snapshot")

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)

    def send(self, message: Any, *arrays: bytes) -> None:
        self.socket.send_multipart(encode_message(message, arrays))

    def receive(self, timeout: float = 5.0) -> Any:
        """The next message; its arrays are in `arrays`."""
        assert self.socket.poll(int(timeout * 1000)), "no answer"
        message, self.arrays = decode_message(self.socket.recv_multipart(), "server")
        return message

    def expect(self, tag: str, timeout: float = 5.0) -> Any:
        """The next message of this type; others are skipped."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.receive(max(0.01, deadline - time.monotonic()))
            if message.__struct_config__.tag == tag:
                return message
