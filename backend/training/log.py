"""What a run leaves for people and scripts: log.jsonl, TensorBoard's files and sample sheets."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Picture

from .files import write_whole

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Log:
    """The log in ``folder`` of a run that goes on after step ``start``; what it says of later steps is forgotten.

    log.jsonl has one object a line: {"step", "loss", …} after each step, {"step", "scores": {…}} after each evaluation;
    a number that is not finite is null. TensorBoard's files are in tensorboard/, where it is installed; if not, ``say``
    is told how to get it. Sample sheets are samples/step-*.png.
    """

    def __init__(self, folder: Path, start: int, say: Callable[[str], None]) -> None:
        self.folder = folder
        path = folder / "log.jsonl"
        kept = "".join(line for line in _lines(path) if _step(line) <= start)
        write_whole(path, lambda file: file.write_text(kept, "utf-8"))
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._board = _board(folder / "tensorboard", start + 1, say)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()

    def step(self, step: int, numbers: dict[str, float]) -> None:
        """The numbers of a step that is done."""
        self._write({"step": step, **_finite(numbers)})
        self._plot(step, "train", numbers)

    def evaluation(self, step: int, scores: dict[str, float], sheet: np.ndarray) -> None:
        """Scores after ``step`` steps and a sample sheet, uint8 H x W x 3."""
        self._write({"step": step, "scores": _finite(scores)})
        self._plot(step, "scores", scores)
        if self._board is not None:
            self._board.add_image("samples", sheet, step, dataformats="HWC")
        path = self.folder / "samples" / f"step-{step:09}.png"
        write_whole(path, lambda file: Picture.fromarray(sheet).save(file, "PNG"))

    def _write(self, row: dict[str, object]) -> None:
        self._file.write(json.dumps(row) + "\n")

    def _plot(self, step: int, group: str, numbers: dict[str, float]) -> None:
        if self._board is not None:
            for name, number in numbers.items():
                self._board.add_scalar(f"{group}/{name}", number, step)


def _board(folder: Path, purge_step: int, say: Callable[[str], None]) -> SummaryWriter | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        say("TensorBoard is not installed, so log.jsonl is the only log. To get it: pip install 'wholeform[training]'")
        return None
    return SummaryWriter(str(folder), purge_step=purge_step)


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []


def _step(line: str) -> float:
    """The step that a line is about; infinity for one that a killed process left unfinished."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        return math.inf


def _finite(numbers: dict[str, float]) -> dict[str, float | None]:
    return {name: number if math.isfinite(number) else None for name, number in numbers.items()}
