"""`wholeform evaluate`: how good a model is, beside the trivial ways of doing the same."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from protocol.problems import ErrorCode, ProblemError

from .problems import shown

if TYPE_CHECKING:
    from backend.evaluation.cases import Source
    from backend.evaluation.completion import Asked
    from backend.evaluation.report import Tally
    from backend.hub.cards import Card
    from backend.pipelines.context import Context

# Tasks that can be scored, and the module of backend.evaluation that knows how.
FAMILIES = {
    "segment": "segmentation",
    "complete": "completion",
    "reconstruct": "reconstruction",
    "synthesize": "synthesis",
}


@dataclass(frozen=True)
class Chosen:
    """The model to score, the task that it is scored at, and the folder of its weights if they are not installed."""

    card: Card
    task: str
    folder: Path | None = None


def evaluate(
    model: Annotated[str, typer.Argument(help=f"A model's name, or {' or '.join(FAMILIES)} for its default model.")],
    level: Annotated[
        str, typer.Option(help="starter, released or classical, or a folder that `wholeform train` made.")
    ] = "",
    data: Annotated[
        str, typer.Option(help="synthetic, synthetic:procedural, or a folder: with cases.json or a data set.")
    ] = "synthetic",
    split: Annotated[str, typer.Option(help="train, val or held-out, which is val for a data set.")] = "held-out",
    seed: Annotated[int, typer.Option(help="Of synthetic data: others give other, equally hard cases.", min=0)] = 0,
    count: Annotated[
        int | None,
        typer.Option(help="How many cases; else 300 synthetic ones, or all of a folder.", min=1, show_default=False),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the scores there.", show_default=False)
    ] = None,
    sheet_file: Annotated[
        Path | None, typer.Option("--sheet", help="Write best, median and worst cases there.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda:0.")] = "cpu",
    samples: Annotated[int, typer.Option(help="Of a completion model also the best of so many.", min=1, max=16)] = 1,
    quality: Annotated[str, typer.Option(help="Of a completion model: draft, standard, best or reference.")] = (
        "standard"
    ),
    clip: Annotated[
        str, typer.Option(help="A CLIP model, or its folder: is what was completed recognised?", show_default=False)
    ] = "",
) -> None:
    """Score a model and its baselines on cases whose truth is known."""
    with shown():
        from backend.evaluation.report import run, sheet
        from backend.hub.registry import load_card
        from backend.pipelines.context import Context

        for file in filter(None, (json_file, sheet_file)):
            _check_writable(file)
        chosen = _chosen(model, level)
        family = importlib.import_module(f"backend.evaluation.{FAMILIES[chosen.task]}")
        if chosen.task != "complete" and (samples, quality, clip) != (1, "standard", ""):
            raise ProblemError(
                ErrorCode.BAD_PARAMETER,
                f"“{chosen.card.name}” completes nothing.",
                "Give --samples, --quality and --clip with a model for completion.",
            )
        source = family.find(data, split, seed, count)
        print(f"{source.count} cases of {source.name}", file=sys.stderr)
        context = Context(device)
        how = (_asked(source, samples, quality, clip, context),) if chosen.task == "complete" else ()
        model = load_card(chosen.card, device, chosen.folder)
        scorers = family.scorers(chosen.card.name, model, context, *how)
        with _progress(source.count) as done:
            tallies = run(source.cases, scorers, done, family.tile if sheet_file is not None else None)
        main = tallies[chosen.card.name]
        if json_file is not None:
            told = {"data": source.name, "split": split, **_report(chosen, seed, tallies)}
            if chosen.task == "complete":
                told |= {"samples": samples, "quality": quality, "clip": clip}
            json_file.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        if sheet_file is not None:
            from .saving import save_image

            save_image(sheet_file, sheet(main))
    _print(tallies)


def _check_writable(file: Path) -> None:
    """Scoring can take an hour: what would go wrong at its end is said before."""
    from .saving import make_folder

    make_folder(file.parent)
    if file.is_dir():
        raise ProblemError(ErrorCode.BAD_INPUT, f"{file} is a folder.", "Name a file.")


def _chosen(model: str, level: str) -> Chosen:
    from backend.hub.cards import read_card
    from backend.hub.registry import find_card

    if level and Path(level).is_dir():
        card = read_card(Path(level) / "card.toml")
        if model not in (card.name, *card.tasks):
            raise ProblemError(
                ErrorCode.UNKNOWN_MODEL, f"{level} holds the model “{card.name}”, not “{model}”.", "Name that one."
            )
        return Chosen(card, _task(card), Path(level))
    card = find_card(_default(model) if model in FAMILIES else model)
    if level and level != card.level:
        raise ProblemError(
            ErrorCode.UNKNOWN_MODEL,
            f"“{card.name}” is there as {card.level}, not as {level}.",
            "Leave --level out, or give a folder that `wholeform train` made.",
        )
    return Chosen(card, _task(card))


def _default(task: str) -> str:
    from protocol.tasks import TASKS

    return str(next(each.default for each in TASKS[task].parameters if each.name == "model"))


def _task(card: Card) -> str:
    from backend.hub.registry import cards

    for task in card.tasks:
        if task in FAMILIES:
            return task
    able = sorted(each.name for each in cards().values() if set(each.tasks) & set(FAMILIES))
    raise ProblemError(
        ErrorCode.UNKNOWN_MODEL, f"There is no score for “{card.name}” yet.", f"Models with one: {', '.join(able)}."
    )


def _asked(source: Source[Any], samples: int, quality: str, clip: str, context: Context) -> Asked:
    """How completion models are asked. ProblemError: BAD_PARAMETER for an unknown quality; for CLIP as `find_card`,
    `load_card` and `Recognition` raise it."""
    from backend.evaluation.completion import Asked
    from backend.evaluation.recognition import Recognition
    from protocol.tasks import TASKS

    choices = next(each.choices for each in TASKS["complete"].parameters if each.name == "quality")
    if quality not in choices:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER, f"There is no quality “{quality}”.", f"Allowed: {', '.join(choices)}."
        )
    return Asked(samples, quality, Recognition(_clip(clip, context.device), source.names, context) if clip else None)


def _clip(clip: str, device: str) -> Any:
    from backend.hub.registry import find_card, load_card

    if Path(clip).is_dir():
        return load_card(find_card(_default("recognize"), "recognize"), device, Path(clip))
    return load_card(find_card(clip, "recognize"), device)


def _report(chosen: Chosen, seed: int, tallies: dict[str, Tally]) -> dict[str, Any]:
    means = {name: tally.means for name, tally in tallies.items()}
    metrics = means.pop(chosen.card.name)
    count = max(map(len, tallies[chosen.card.name].scores.values()))
    told = {"model": chosen.card.name, "level": chosen.card.level, "count": count, "seed": seed}
    return {**told, "metrics": metrics, "baselines": means}


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; what it gives is called with the number of cases done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from .following import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("Scoring", total=total)
        yield lambda done: bars.update(bar, completed=done)


def _print(tallies: dict[str, Tally]) -> None:
    from .tables import print_table

    metrics = list(dict.fromkeys(metric for tally in tallies.values() for metric in tally.scores))
    rows = [
        (name, *(f"{tally.means[metric]:.3f}" if metric in tally.means else "" for metric in metrics))
        for name, tally in tallies.items()
    ]
    print_table(("MODEL", *metrics), rows)
