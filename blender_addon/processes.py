"""Programs started beside Blender, each with a log. Nothing here waits. No bpy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Windows: CREATE_NO_WINDOW and CREATE_NEW_PROCESS_GROUP
_NO_WINDOW = 0x08000200 if sys.platform == "win32" else 0


def start(
    words: Sequence[str],
    log: Path,
    *,
    stdin: int = subprocess.DEVNULL,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that says what it says into ``log``. Raises OSError or ValueError where that cannot be."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("wb") as said:
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
            creationflags=_NO_WINDOW,
        )


def ending(code: int, log: Path) -> str:
    """How a program ended by itself and why: "(exit code 3). the port is taken"."""
    how = f"exit code {code}" if code >= 0 else f"killed by signal {-code}"
    # What it said last tells why it gave up; one that was killed said nothing about it.
    return f"({how}). {_last_line(log) if code > 0 else ''}".strip()


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
