"""One process at a time fetches, converts or removes a model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from backend.hub.installed import models_dir
from protocol.problems import ErrorCode, ProblemError


@contextmanager
def alone_with(name: str) -> Iterator[None]:
    """Hold model ``name`` for this process; the system lets go of it when the process ends, however it ends.
    ProblemError (BUSY) when another process holds it."""
    path = models_dir() / ".locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(descriptor)
        except OSError:
            raise ProblemError(
                ErrorCode.BUSY, f"Another command works on “{name}” just now.", "Wait until it has ended, or stop it."
            ) from None
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
