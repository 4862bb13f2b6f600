"""The server on this computer: find the one that runs, or start one as a process of its own."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from protocol import ErrorCode, ProblemError
from protocol.connection import ConnectionFile, find_local, runtime_dir
from protocol.messages import DEFAULT_PORT

START_TIMEOUT_S = 45.0


def serve_command() -> list[str]:
    """The command that starts a server here. ProblemError (NOT_FOUND) when none is installed."""
    # find_spec of a top-level name looks for the files and imports nothing.
    if importlib.util.find_spec("backend") is not None:
        return [sys.executable, "-m", "backend.cli", "serve"]
    program = shutil.which("wholeform")
    if program:
        return [program, "serve"]
    raise ProblemError(
        ErrorCode.NOT_FOUND,
        "No Wholeform server is installed on this computer.",
        "Install it (pip install 'wholeform[backend]'), or choose another server.",
    )


def _bind_address() -> str:
    """The usual port when it is free, else any free one."""
    port = DEFAULT_PORT
    with socket.socket() as probe:
        # As ZeroMQ binds: a port that a server left a moment ago counts as free.
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            port = 0
    return f"tcp://127.0.0.1:{port}"


class LocalServer:
    """At most one server process started by this program. Its methods block: call them from a worker thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log = runtime_dir() / "desktop-server.log"

    @property
    def started_here(self) -> bool:
        """Whether the process this program started still runs."""
        return self._process is not None and self._process.poll() is None

    def ensure(self, may_start: bool) -> ConnectionFile:
        """The running server; starts one when there is none and ``may_start``.

        ProblemError: UNREACHABLE when none runs and none may be started or it ended at once, NOT_FOUND when none is
        installed, TIMEOUT when it does not get ready.
        """
        found = find_local()
        if found is not None:
            return found
        if not may_start:
            raise ProblemError(
                ErrorCode.UNREACHABLE, "No server runs on this computer.", "Start one, or choose another server."
            )
        if not self.started_here:
            self._start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            found = find_local()
            if found is not None:
                return found
            if not self.started_here:
                raise ProblemError(
                    ErrorCode.UNREACHABLE,
                    f"The server on this computer did not start. {self._last_words()}".strip(),
                    f"Its log is {self._log.name}; “wholeform doctor” says what is missing.",
                )
            time.sleep(0.05)
        raise ProblemError(
            ErrorCode.TIMEOUT, f"The server did not get ready in {START_TIMEOUT_S:.0f} s.", "Try again in a moment."
        )

    def stop(self, timeout: float = 5.0) -> None:
        """End the server that this program started; jobs it has not finished go on when it starts again."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()

    def _start(self) -> None:
        command = [*serve_command(), "--bind", _bind_address()]
        self._log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        windows = sys.platform == "win32"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C in the terminal ends the window and not the server's jobs.
                start_new_session=not windows,
                creationflags=0x08000000 if windows else 0,  # no console window
            )

    def _last_words(self) -> str:
        return last_line(self._log)


def last_line(path: Path) -> str:
    """The last line with text in ``path``, cut to 200 characters; empty when there is none."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
