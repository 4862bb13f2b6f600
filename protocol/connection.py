"""Where a server is: addresses as people type them, and the file by which local clients find a running server."""

from __future__ import annotations

import os
import re
import secrets
import sys
import time
from pathlib import Path

import msgspec

from .messages import DEFAULT_PORT
from .problems import ErrorCode, ProblemError

_ADDRESS = re.compile(
    r"^(?:(?P<scheme>[a-z][a-z0-9+.\-]*)://)?(?P<host>\[[0-9a-f:.%]+\]|[^/:\s\[\]?#@]+)?(?::(?P<port>\d*))?(?:[/?#].*)?$",
    re.IGNORECASE,
)


def parse_address(text: str, default_port: int = DEFAULT_PORT) -> str:
    """``tcp://host:port`` from what a person typed: a scheme, a path, spaces and the port may be there or not.

    "http://127.0.0.1:8188/" -> "tcp://127.0.0.1:8188"; "gpu" -> "tcp://gpu:5555"; "::1" -> "tcp://[::1]:5555".
    "ipc://path" stays. ProblemError (BAD_PARAMETER) says what was understood.
    """
    cleaned = text.strip().strip("\"'").strip()
    if cleaned.startswith("ipc://") and len(cleaned) > 6:
        return cleaned
    if cleaned.count(":") > 1 and re.fullmatch(r"[0-9a-fA-F:.]+", cleaned):
        cleaned = f"[{cleaned}]"
    match = _ADDRESS.match(cleaned)
    if not cleaned or not match or not match["host"] or " " in cleaned:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"“{text}” is not an address.",
            f"Write host or host:port, e.g. gpu:{default_port}.",
        )
    port = int(match["port"] or default_port)
    if not 1 <= port <= 65535:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"“{text}” has port {port}; its host is {match['host']}.",
            "A port is 1 to 65535.",
        )
    return f"tcp://{match['host'].lower()}:{port}"


def is_loopback(address: str) -> bool:
    """Whether ``address`` (as parse_address gives it) stays on this machine."""
    host = address.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    return (
        address.startswith("ipc://")
        or host == "localhost"
        or host == "::1"
        or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))
    )


def _base_dir(unix: str) -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "Wholeform"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Wholeform"
    return Path(unix).expanduser() / "wholeform"


def config_dir() -> Path:
    """Keys and settings. The environment variable WHOLEFORM_CONFIG_DIR overrides it."""
    override = os.environ.get("WHOLEFORM_CONFIG_DIR")
    return Path(override) if override else _base_dir(os.environ.get("XDG_CONFIG_HOME") or "~/.config")


def state_dir() -> Path:
    """Jobs and their blobs. The environment variable WHOLEFORM_STATE_DIR overrides it."""
    override = os.environ.get("WHOLEFORM_STATE_DIR")
    return Path(override) if override else _base_dir(os.environ.get("XDG_STATE_HOME") or "~/.local/state")


def data_dir() -> Path:
    """Models that were fetched. The environment variable WHOLEFORM_DATA_DIR overrides it."""
    override = os.environ.get("WHOLEFORM_DATA_DIR")
    return Path(override) if override else _base_dir(os.environ.get("XDG_DATA_HOME") or "~/.local/share")


def runtime_dir() -> Path:
    """The connection file and local sockets. The environment variable WHOLEFORM_RUNTIME_DIR overrides it."""
    override = os.environ.get("WHOLEFORM_RUNTIME_DIR")
    if override:
        return Path(override)
    unix = os.environ.get("XDG_RUNTIME_DIR")
    return _base_dir(unix) if unix else state_dir() / "run"


def _write_private(path: Path, content: bytes) -> None:
    """Write at once and for the owner alone: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(temporary, path)


class ConnectionFile(msgspec.Struct, frozen=True):
    """How to reach the server that runs on this machine."""

    address: str
    pid: int
    server: str = ""  # the random id of this start
    server_key: str = ""  # public CURVE key, empty without encryption
    version: str = ""
    started: float = 0.0

    @staticmethod
    def path() -> Path:
        return runtime_dir() / "connection.json"

    def write(self) -> Path:
        """Write it with owner-only rights; returns where."""
        path = self.path()
        _write_private(path, msgspec.json.encode(self))
        return path

    @classmethod
    def read(cls) -> ConnectionFile | None:
        """What the file says, whether or not that server still lives; None when there is none."""
        try:
            return msgspec.json.decode(cls.path().read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError):
            return None

    def remove(self) -> None:
        """Remove the file if it still is this server's."""
        current = self.read()
        if current is not None and current.server == self.server:
            self.path().unlink(missing_ok=True)


def process_lives(pid: int) -> bool:
    """Whether a process with this id runs now (a zombie does not)."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        import ctypes

        # os.kill(pid, 0) would end the process on Windows.
        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True


def find_local() -> ConnectionFile | None:
    """The server that runs on this machine, or None."""
    found = ConnectionFile.read()
    return found if found is not None and process_lives(found.pid) else None


def wait_for_local(timeout: float = 10.0) -> ConnectionFile:
    """The server that is being started on this machine; ProblemError (UNREACHABLE) after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = find_local()
        if found is not None:
            return found
        time.sleep(0.02)
    raise ProblemError(
        ErrorCode.UNREACHABLE,
        "No Wholeform server runs on this machine.",
        "Start one: wholeform serve.",
    )


def new_session() -> str:
    """A fresh random session secret."""
    return secrets.token_urlsafe(24)


def load_session(name: str) -> str:
    """The persisted session secret of the front end called ``name`` ("blender", "desktop"), made on first use, so
    that a restarted program finds its jobs again."""
    path = config_dir() / "sessions" / re.sub(r"[^A-Za-z0-9_\-]", "_", name)
    try:
        session = path.read_text().strip()
        if re.fullmatch(r"[A-Za-z0-9_\-]{16,64}", session):
            return session
    except OSError:
        pass
    session = new_session()
    _write_private(path, session.encode())
    return session
