"""Files on the disk: their digests, whether there is room for more, and that they are really there."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from protocol.problems import ErrorCode, ProblemError

CHUNK = 1 << 20
SPARE = 256 << 20  # bytes that are left free for everybody else

# Told what is being done, and how many bytes of how many (0 where nobody knows) are done.
Told = Callable[[str, int, int], None]


def tell_nobody(what: str, done: int, total: int) -> None:
    """For callers that do not want to hear."""


def size_of(path: Path) -> int:
    """The bytes of the file ``path``, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def size_in_words(nbytes: int) -> str:
    """ "15.5 GB", "62.9 MB", "4.0 kB": in steps of 1000, as on a disk's label."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if nbytes >= factor:
            return f"{nbytes / factor:.1f} {unit}"
    return f"{nbytes / 1000:.1f} kB"


def sha256_of(path: Path, told: Told = tell_nobody) -> str:
    """The SHA-256 of the file's bytes, as 64 hexadecimal digits. OSError when it cannot be read."""
    digest, done, total = hashlib.sha256(), 0, size_of(path)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            told(f"Checking {path.name}", done, total)
    return digest.hexdigest()


def check_room(folder: Path, needed: int, what: str) -> None:
    """ProblemError (TOO_LARGE) unless the disk of ``folder``, which need not exist yet, takes ``needed`` bytes more."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if free < needed + SPARE:
        raise ProblemError(
            ErrorCode.TOO_LARGE,
            f"{what} needs {size_in_words(needed + SPARE)} of disk at {folder}; {size_in_words(free)} are free.",
            "Make room, or keep models on another disk: set WHOLEFORM_MODELS to a folder there.",
        )


def to_disk(path: Path) -> None:
    """Return when the file or folder ``path`` is on the disk, not only in memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
