"""Two servers must not share one folder of jobs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from protocol.problems import ErrorCode, ProblemError


class StateLock:
    """Holds ``folder`` for this process; the system lets go of it when the process ends, however it ends.

    Raises ProblemError (BUSY) when another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._file = -1

    def __enter__(self) -> StateLock:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._file)
        except OSError:
            os.close(self._file)
            raise ProblemError(
                ErrorCode.BUSY,
                f"Another Wholeform server uses the folder {self._path.parent}.",
                "Stop it, or give this one its own: wholeform serve --state FOLDER.",
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _lock(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
