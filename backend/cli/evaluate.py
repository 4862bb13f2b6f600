"""`wholeform evaluate`: how good a model is, beside the trivial ways of doing the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from protocol.problems import ErrorCode, ProblemError

from .problems import shown

if TYPE_CHECKING:
    from backend.evaluation.cases import Case
    from backend.evaluation.report import Scorer, Tally

# Of the tasks that can be scored: the models' methods, and what they are compared with.
BASELINES = {"segment": ("grabcut", "u2netp"), "complete": ("visible", "convex_hull")}


def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name, or a task (segment, complete) for its default model.")],
    level: Annotated[str, typer.Option(help="starter, released or classical: which of that name is meant.")] = "",
    data: Annotated[
        str, typer.Option(help="synthetic, synthetic:procedural, or a folder with cases.json.")
    ] = "synthetic",
    split: Annotated[str, typer.Option(help="Of synthetic data: train, val or held-out.")] = "held-out",
    seed: Annotated[int, typer.Option(help="Other seeds give other, equally hard cases.", min=0)] = 0,
    count: Annotated[
        int, typer.Option(help="How many synthetic cases, or how many of a folder at the most.", min=1)
    ] = 300,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the scores there.")] = None,
    sheet_file: Annotated[
        Path | None, typer.Option("--sheet", help="Write best, median and worst cases there.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda:0.")] = "cpu",
) -> None:
    """Score a model and its baselines on cases whose truth is known."""
    with shown():
        name, task, found_level = _model(model, level)
        scorers = _scorers(name, task, device)
        tallies = _run(_cases(data, split, seed, count), scorers, count)
    _print(tallies)
    main = tallies[name]
    report: dict[str, Any] = {
        "model": name,
        "level": found_level,
        "count": len(main.shown),
        "seed": seed,
        "data": data,
        "split": split,
        "metrics": main.means,
        "baselines": {other: tally.means for other, tally in tallies.items() if other != name},
    }
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=1) + "\n")
    if sheet_file is not None:
        from PIL import Image

        from backend.evaluation.report import sheet

        Image.fromarray(sheet(main, lambda case: case.modal if task == "segment" else case.amodal)).save(sheet_file)


def _model(model: str, level: str) -> tuple[str, str, str]:
    """Name, task and level of what is to be scored."""
    from backend.hub.registry import cards, find_card
    from protocol.tasks import TASKS

    if model in BASELINES:
        default = next(each.default for each in TASKS[model].parameters if each.name == "model")
        model = str(default)
    card = find_card(model)
    task = next((each for each in card.tasks if each in BASELINES), None)
    if task is None:
        able = sorted(each.name for each in cards().values() if set(each.tasks) & set(BASELINES))
        raise ProblemError(
            ErrorCode.UNKNOWN_MODEL, f"There is no score for “{model}” yet.", f"Models with one: {', '.join(able)}."
        )
    if level and level != card.level:
        raise ProblemError(
            ErrorCode.UNKNOWN_MODEL, f"“{model}” is there as {card.level}, not as {level}.", "Leave --level out."
        )
    return model, task, card.level


def _scorers(name: str, task: str, device: str) -> dict[str, Scorer]:
    """By name, the model first, then its baselines."""
    from backend.evaluation import completion, segmentation
    from backend.hub.registry import load
    from backend.pipelines.context import Context

    context = Context(device)
    if task == "segment":
        names = [name, *(each for each in BASELINES[task] if each != name)]
        models = {each: load(each, device) for each in names}
        return {
            each: lambda case, model=model: segmentation.segmentation_scores(model, case, context)
            for each, model in models.items()
        }
    segmenter = load(_model("segment", "")[0], device)
    completers = {name: load(name, device), "visible": completion.Visible(), "convex_hull": completion.ConvexHull()}

    def scored(case: Case, model: Any) -> tuple[dict[str, float], Any]:
        scores, mask = completion.completion_scores(model, case, context)
        scores[completion.FROM_BOX] = completion.from_box_score(segmenter, model, case, context)
        return scores, mask

    return {each: lambda case, model=model: scored(case, model) for each, model in completers.items()}


def _cases(data: str, split: str, seed: int, count: int) -> Iterable[Case]:
    from backend.evaluation.cases import read_cases, synthetic_cases

    kind, _, objects = data.partition(":")
    if kind == "synthetic":
        return synthetic_cases(split, seed, count, objects=objects or "mixed")
    folder = Path(data)
    if not folder.is_dir():
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"“{data}” is no folder.", "Allowed: synthetic, synthetic:procedural, or a folder."
        )
    return read_cases(folder)[:count]


def _run(cases: Iterable[Case], scorers: dict[str, Scorer], count: int) -> dict[str, Tally]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from backend.evaluation.report import run

    from .following import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        total = len(cases) if isinstance(cases, list) else count
        bar = progress.add_task("Scoring", total=total)
        return run(cases, scorers, lambda done: progress.update(bar, completed=done))


def _print(tallies: dict[str, Tally]) -> None:
    from .tables import print_table

    metrics = list(dict.fromkeys(metric for tally in tallies.values() for metric in tally.scores))
    rows = [
        (name, *(f"{tally.means[metric]:.3f}" if metric in tally.means else "" for metric in metrics))
        for name, tally in tallies.items()
    ]
    print_table(("MODEL", *metrics), rows)
