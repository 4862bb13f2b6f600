"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from backend.hub.disk import to_disk
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
        to_disk(unfinished)
        os.replace(unfinished, path)
        to_disk(path.parent)
    except (OSError, SafetensorError) as error:
        unfinished.unlink(missing_ok=True)
        raise ProblemError(
            ErrorCode.TOO_LARGE, f"{path} cannot be written: {error}.", "Make room there, or name another: --out DIR."
        ) from error


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed process left half written in ``folder``."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        path.unlink(missing_ok=True)
