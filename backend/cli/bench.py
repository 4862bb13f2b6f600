"""`wholeform bench`: how quickly a model runs on this machine, and in how much memory."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from protocol.problems import ErrorCode, ProblemError

from .problems import shown

MODELS = ("pix2gestalt",)


def bench(
    model: Annotated[str, typer.Argument(help=f"{', '.join(MODELS)}.")],
    size: Annotated[str, typer.Option(help="published, or a smaller one: half, starter. Weights are random.")] = (
        "published"
    ),
    samples: Annotated[int, typer.Option(min=1, max=16, help="Completions made at once.")] = 4,
    steps: Annotated[int, typer.Option(min=1, max=50, help="Steps that are timed in each mode.")] = 3,
    device: Annotated[str, typer.Option(help="cpu or cuda:0.")] = "cpu",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures there.", show_default=False)] = (
        None
    ),
) -> None:
    """Time a model's ways of running, each against the reference in the same run."""
    with shown():
        family = _family(model)
        if size not in family.SIZES:
            raise ProblemError(
                ErrorCode.BAD_PARAMETER, f"There is no size “{size}”.", f"Allowed: {', '.join(family.SIZES)}."
            )
        for what, nbytes in family.estimates(family.SIZES[size], samples):
            typer.echo(f"Counted, on a GPU in half precision, {what}: {nbytes / 2**30:.2f} GiB", err=True)
        speeds = []
        for speed in family.measure(family.SIZES[size], device, family.modes(device, samples), steps):
            speeds.append(speed)
            typer.echo(f"{speed.mode.name}: {speed.step:.3g} s a step", err=True)
        if json_file is not None:
            told = {"model": model, "size": size, "device": device, "speeds": [asdict(each) for each in speeds]}
            json_file.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    from .tables import print_table

    # The first mode is the authors' own loop; what they get with both branches in one batch is the baseline.
    base = next(each for each in speeds if each.mode.name == "reference")
    columns = ("MODE", "S/STEP", "S/COMPLETION", "PER MINUTE", "x REFERENCE", "MEMORY")
    print_table(columns, [_row(each, base) for each in speeds])


def _family(model: str) -> Any:
    if model not in MODELS:
        raise ProblemError(
            ErrorCode.UNKNOWN_MODEL, f"There is nothing to time for “{model}”.", f"Allowed: {', '.join(MODELS)}."
        )
    return importlib.import_module(f"backend.models.{model}.bench")


def _row(speed: Any, base: Any) -> tuple[str, ...]:
    return (
        speed.mode.name,
        f"{speed.step:.3f}",
        f"{speed.whole / speed.mode.samples:.2f}",
        f"{speed.completions:.2f}",
        f"{speed.completions / base.completions:.1f}",
        f"{speed.memory / 2**30:.2f} GiB",
    )
