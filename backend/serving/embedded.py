"""A server of one's own for a while: `wholeform demo`, scripts and tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from protocol import Client
from protocol.connection import ConnectionFile
from protocol.problems import ErrorCode, ProblemError


class EmbeddedServer:
    """Runs `wholeform serve` as a child process on a free loopback port while the context lasts.

    ``state`` None means a temporary folder, removed at the end. ``arguments`` go to `wholeform serve`. Other clients do
    not find it: its connection file lies in its own folder. Raises ProblemError (UNREACHABLE) when it does not start.
    """

    def __init__(self, state: Path | None = None, arguments: tuple[str, ...] = (), start_s: float = 30.0) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="wholeform-server-") if state is None else None
        self.state = Path(self._temporary.name) if self._temporary is not None else state or Path()
        self._arguments = arguments
        self._start_s = start_s
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ""
        self.log = self.state / "server.log"

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def start(self) -> None:
        """Start it (again) and wait until clients can connect."""
        self.state.mkdir(parents=True, exist_ok=True)
        runtime = self.state / "run"
        (runtime / "connection.json").unlink(missing_ok=True)
        command = [sys.executable, "-m", "backend.cli", "serve", "--state", str(self.state)]
        if "--bind" not in self._arguments:
            command += ["--bind", "tcp://127.0.0.1:0"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "WHOLEFORM_RUNTIME_DIR": str(runtime)},
            )
        self.address = self._wait_for(runtime / "connection.json").address

    def _wait_for(self, path: Path) -> ConnectionFile:
        deadline = time.monotonic() + self._start_s
        assert self.process is not None
        while time.monotonic() < deadline and self.process.poll() is None:
            if path.exists():
                return msgspec.json.decode(path.read_bytes(), type=ConnectionFile)
            time.sleep(0.01)
        said = self.log.read_text(errors="replace").strip().splitlines()
        self.stop()
        raise ProblemError(ErrorCode.UNREACHABLE, "The server did not start.", said[-1] if said else f"See {self.log}.")

    def client(self, **options: object) -> Client:
        """A client for this server, not yet connected."""
        return Client(self.address, **options)  # type: ignore[arg-type]

    def stop(self) -> None:
        """End it as a person would; its unfinished jobs wait in its folder."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
