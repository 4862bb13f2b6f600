"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from protocol.problems import ErrorCode, ProblemError

_UNFINISHED = ".unfinished-"


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` make a file under another name, bring it to the disk, then give it its name ``path``.

    Whoever is killed at whatever moment leaves the old file or the new one. ProblemError (TOO_LARGE) when it cannot be
    written.
    """
    from safetensors import SafetensorError

    unfinished = path.with_name(_UNFINISHED + path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(unfinished)
        _to_disk(unfinished)
        os.replace(unfinished, path)
        _to_disk(path.parent)
    except (OSError, SafetensorError) as error:
        unfinished.unlink(missing_ok=True)
        raise ProblemError(
            ErrorCode.TOO_LARGE, f"{path} cannot be written: {error}.", "Make room there, or name another: --out DIR."
        ) from error


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed process left half written in ``folder``."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        path.unlink(missing_ok=True)
