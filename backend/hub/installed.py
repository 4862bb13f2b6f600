"""The released models of this machine: converted files with a record of where they came from, each in its folder.

A folder appears under its model's name by renaming, whole and with its record, so that nothing half made is ever
loaded. Names that begin with a dot hold what is on the way.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from backend.hub.disk import size_of
from protocol.connection import data_dir
from protocol.problems import ErrorCode, ProblemError

RECORD = "record.json"


class FileRecord(msgspec.Struct, frozen=True):
    """A file: its name (in the folder of the model, or at ``url``), bytes and SHA-256."""

    file: str
    size: int
    sha256: str
    url: str = ""


class Record(msgspec.Struct, frozen=True):
    """What lies beside a model's converted ``files``: their ``sources``, when (ISO 8601, UTC) and by which version of
    Wholeform they were converted, and what was accepted of the licence."""

    model: str
    date: str
    wholeform: str
    licence: str
    licence_accepted: str
    sources: list[FileRecord]
    files: list[FileRecord]


def models_dir() -> Path:
    """Where released models lie: $WHOLEFORM_MODELS, else "models" in the user's data folder."""
    override = os.environ.get("WHOLEFORM_MODELS")
    return Path(override).expanduser() if override else data_dir() / "models"


def model_folder(name: str) -> Path:
    """Where the converted files of model ``name`` lie once they are there."""
    return models_dir() / name


def downloads_folder(name: str) -> Path:
    """Where the sources of model ``name`` lie until they are converted."""
    return models_dir() / ".downloads" / name


def known_sources_file(name: str) -> Path:
    """Where it is kept which files the first pull of model ``name`` brought; `remove` leaves it."""
    return models_dir() / ".known" / f"{name}.json"


def read_record(name: str) -> Record | None:
    """The record of model ``name``; None when it is not there or is no record of it."""
    try:
        record = msgspec.json.decode((model_folder(name) / RECORD).read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return record if record.model == name else None


def is_ready(name: str) -> bool:
    """Whether all files that the record of model ``name`` lists are there, with their sizes."""
    record = read_record(name)
    folder = model_folder(name)
    return record is not None and all(size_of(folder / each.file) == each.size for each in record.files)


def ready_folder(name: str) -> Path:
    """The folder of the converted files of model ``name``; ProblemError (MODEL_FAILED) saying how to get them."""
    if is_ready(name):
        return model_folder(name)
    raise ProblemError(ErrorCode.MODEL_FAILED, f"The model “{name}” is not installed.", how_to_get(name))


def how_to_get(name: str) -> str:
    """What to do where the released model ``name`` is not there."""
    return f"Fetch it: wholeform models pull {name}"


def files_in(folder: Path) -> list[str]:
    """The files in ``folder`` and below, by their paths in it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def take_away(folder: Path) -> None:
    """Remove ``folder`` so that it is never seen half removed."""
    leaving = models_dir() / f".removed-{folder.parent.name}-{folder.name}"
    shutil.rmtree(leaving, ignore_errors=True)
    os.replace(folder, leaving)
    shutil.rmtree(leaving)
