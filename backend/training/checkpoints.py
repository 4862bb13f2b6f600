"""Checkpoints: one safetensors file each, written whole, checked when read; the last few are kept.

The tensors are the file's tensors, everything else is JSON in its metadata: reading one can run nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .files import remove_unfinished, write_whole

_FILE = re.compile(r"step-(\d{9})\.safetensors")
_KEY = "wholeform"
_VERSION = 1


class _DamagedError(Exception):
    pass


@dataclass(frozen=True)
class Checkpoint:
    """The training after ``step`` steps: ``tensors`` by name, on the CPU, and ``facts``, anything that JSON holds."""

    step: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def found(folder: Path) -> dict[int, Path]:
    """The checkpoint files in ``folder`` by step, newest first, whether they can be read or not."""
    names = ((path, _FILE.fullmatch(path.name)) for path in folder.glob("step-*.safetensors"))
    return dict(sorted(((int(name[1]), path) for path, name in names if name), reverse=True))


def save(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write ``checkpoint`` into ``folder`` and remove all but the newest ``keep``; returns its path.

    ProblemError (TOO_LARGE) when it cannot be written; those before it are then untouched.
    """
    remove_unfinished(folder)
    # A copy each: the format refuses tensors that share memory, as tied weights do.
    tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in checkpoint.tensors.items()}
    head = {
        "version": _VERSION,
        "step": checkpoint.step,
        "digest": _digest(tensors),
        "facts": checkpoint.facts,
    }
    path = folder / f"step-{checkpoint.step:09}.safetensors"
    write_whole(path, lambda file: save_file(tensors, file, {_KEY: json.dumps(head)}))
    for old in list(found(folder).values())[keep:]:
        old.unlink(missing_ok=True)
    return path


def newest(folder: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint in ``folder`` that is whole, or None; ``say`` is told of each that is passed over."""
    for path in found(folder).values():
        try:
            return _read(path)
        except _DamagedError as error:
            say(f"{path} is damaged ({error}); the one before it is taken.")
    return None


def _read(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:
            head = json.loads((file.metadata() or {})[_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        if head["version"] != _VERSION:
            raise _DamagedError(f"it has version {head['version']}, this program reads {_VERSION}")
        if head["digest"] != _digest(tensors):
            raise _DamagedError("its numbers are not those that were written")
        return Checkpoint(head["step"], tensors, head["facts"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _DamagedError(str(error)) from error


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes: the format itself notices a cut file, not a changed byte."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
