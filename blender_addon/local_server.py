"""Starting and stopping a server on this computer, without waiting for it. No bpy."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from . import processes
from .protocol import ErrorCode, ProblemError
from .protocol.connection import runtime_dir


def default_command() -> str:
    """The command found on this computer, or an empty text."""
    found = shutil.which("wholeform")
    return f"{shlex.quote(found)} serve" if found else ""


def _words(command: str) -> list[str]:
    return shlex.split(command, posix=sys.platform != "win32")


class LocalServer:
    """The server process that this Blender started, if any. It ends with Blender; its jobs are on disk."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log = runtime_dir() / "blender-server.log"
        self.failure = ""

    @property
    def runs(self) -> bool:
        """Whether the process lives now; notices when it has ended by itself."""
        if self._process is None:
            return False
        code = self._process.poll()
        if code is None:
            return True
        self._process = None
        self.failure = f"The local server ended {processes.ending(code, self._log)}"
        return False

    def start(self, command: str) -> None:
        """Start ``command`` (the default where empty). Raises ProblemError (NOT_FOUND) when there is none."""
        if self.runs:
            return
        command = command.strip() or default_command()
        if not command:
            raise ProblemError(
                ErrorCode.NOT_FOUND,
                "There is no “wholeform” command on this computer.",
                "Install it with pip install wholeform[backend], or set the command in the add-on's preferences.",
            )
        self.failure = ""
        # Blender may carry a PYTHONHOME of its own, which would break the server's Python.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
        try:
            self._process = processes.start(_words(command), self._log, environment=environment)
        except (OSError, ValueError) as error:
            raise ProblemError(
                ErrorCode.NOT_FOUND, f"“{command}” cannot be started: {error}.", "Set the command in the preferences."
            ) from None

    def stop(self, wait_s: float = 0.0) -> None:
        """Ask the process to end, and end it hard if it has not after ``wait_s`` seconds (0: do not look)."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        if wait_s > 0:
            try:
                process.wait(wait_s)
            except subprocess.TimeoutExpired:
                process.kill()
