"""`wholeform train`: a model learns from data."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from protocol.problems import ErrorCode, ProblemError

from .problems import INTERRUPTED, shown

if TYPE_CHECKING:
    from backend.training.progress import Reporter


class Device(enum.StrEnum):
    """Where to train; auto takes a GPU where there is one."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def train(
    model: Annotated[str, typer.Argument(help="A model that has a recipe; a wrong name lists them.")],
    config: Annotated[
        Path | None, typer.Option(help="TOML file, see docs/training.md; else the model's own.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint, if there is one.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for all that is made; else the config's “out”.", show_default=False)
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to train; auto takes a GPU where there is one.")] = Device.AUTO,
) -> None:
    """Train a model and write its weights and card. Ctrl-C or SIGTERM ends it with a checkpoint."""
    with shown():
        try:
            from backend.training.loop import train as run
        except ModuleNotFoundError as missing:
            raise ProblemError(
                ErrorCode.MODEL_FAILED,
                f"Training needs {missing.name}, which is not installed.",
                "Run: pip install 'wholeform[backend,training]'",
            ) from None
        from backend.training.config import read_config
        from backend.training.recipe import find_recipe

        make, own_config = find_recipe(model)
        settings = read_config(config or own_config, model.replace("-", "_"), out)
        with _reporter() as reporter:
            outcome = run(make(settings), settings, reporter, resume=resume, device=device.value)
    if outcome.stopped:
        raise typer.Exit(INTERRUPTED)
    for file in outcome.files:
        print(file)


@contextmanager
def _reporter() -> Iterator[Reporter]:
    """A bar on a terminal, lines elsewhere."""
    from backend.training.progress import PlainLines

    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainLines()
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[told]}"), console=console) as bars:
        yield _Bar(bars)


class _Bar:
    """A reporter that keeps a bar with the time left; messages go above it."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._bar: TaskID | None = None

    def message(self, text: str) -> None:
        self._bars.console.print(text, markup=False, highlight=False)

    def step(self, step: int, steps: int, numbers: dict[str, float]) -> None:
        if self._bar is None:
            self._bar = self._bars.add_task("", total=steps, completed=step, told="")
        self._bars.update(self._bar, completed=step, told=f"loss {numbers['loss']:.4g}")
