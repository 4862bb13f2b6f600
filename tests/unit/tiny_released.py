"""A model whose weights are fetched, small: its card, its sources, its converter and what loads it.

torch is imported where it is used: processes that tests start need the card alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.hub.cards import Card, Released, Source
from backend.hub.foreign import read_checkpoint
from protocol.problems import ErrorCode, ProblemError

NAME = "tiny-released"
CONFIG = json.dumps({"width": 3}).encode()


def checkpoint() -> bytes:
    """What its authors offer."""
    import torch

    content = io.BytesIO()
    torch.save({"state_dict": {"a": torch.arange(1000.0)}, "epoch": 5}, content)
    return content.getvalue()


def card(
    files: dict[str, bytes], url: str, *, known: bool = True, converter: str = "convert", summary: str = "Be kind."
) -> Card:
    """Its card, with ``files`` at ``url``; ``known``: with their sizes and digests."""
    sources = tuple(
        Source(name, f"{url}/{name}", len(content), hashlib.sha256(content).hexdigest())
        if known
        else Source(name, f"{url}/{name}")
        for name, content in files.items()
    )
    module = "tests.unit.tiny_released"
    return Card(
        name=NAME,
        title="Tiny",
        tasks=("segment",),
        level="released",
        good_for="Tests.",
        licence="CC-BY-NC-4.0",
        origin="Ours.",
        entry=f"{module}:load",
        released=Released(f"{module}:{converter}", summary, "https://licence.example/nc", 4000, sources),
    )


def load(device: str, folder: Path) -> tuple[str, dict[str, Any], str]:
    """What the catalogue's models would be made of."""
    from safetensors.torch import load_file

    return device, load_file(folder / "model.safetensors"), (folder / "config.json").read_text()


def convert(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    from safetensors.torch import save_file

    state = read_checkpoint(sources["weights.ckpt"])["state_dict"]
    report(0.5)
    save_file({name: tensor.half() for name, tensor in state.items()}, folder / "model.safetensors")
    (folder / "config.json").write_bytes(sources["config.json"].read_bytes())


def convert_and_find_fault(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    convert(sources, folder, report)
    raise ProblemError(ErrorCode.MODEL_FAILED, "weights.ckpt is another model.", "Fetch the right one.")


def convert_and_crash(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    convert(sources, folder, report)
    raise KeyError("a fault of ours")


def convert_and_be_killed(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    convert(sources, folder, report)
    os.kill(os.getpid(), signal.SIGKILL)


def convert_on_a_full_disk(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    convert(sources, folder, report)
    Path("/dev/full").write_bytes(bytes(100_000))


def convert_to_nothing(sources: dict[str, Path], folder: Path, report: Callable[[float], Any]) -> None:
    report(1.0)
