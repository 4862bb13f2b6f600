"""`wholeform synth`: synthetic scenes, videos and objects with exact ground truth, in published data sets' formats."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from protocol.problems import ErrorCode, ProblemError

from .problems import shown

if TYPE_CHECKING:
    import numpy as np

    Cells = list[tuple[str, np.ndarray]]

SHEET_ROWS, SHEET_COLUMNS = 12, 6


@dataclass(frozen=True)
class Format:
    """A format: the ``kind`` that it can hold, the module in backend.synthetic.writers, and what its `write` takes
    more. ``parted`` formats know training and validation sets."""

    kind: str
    module: str
    options: dict[str, str]
    parted: bool = True


FORMATS = {
    "coco-panoptic": Format("scenes", "coco_panoptic", {}),
    "kins": Format("scenes", "coco_amodal", {"flavour": "kins"}),
    "d2sa": Format("scenes", "coco_amodal", {"flavour": "d2sa"}),
    "cocoa": Format("scenes", "coco_amodal", {"flavour": "cocoa"}),
    "pix2gestalt": Format("scenes", "pix2gestalt", {}, parted=False),
    "cases": Format("scenes", "cases", {}, parted=False),
    "movi": Format("videos", "movi", {}),
    "kitti": Format("videos", "kitti", {}),
    "eg3d": Format("objects", "eg3d", {}, parted=False),
}
_FIRST = {"scenes": "coco-panoptic", "videos": "movi", "objects": "eg3d"}
_SPLITS = ("train", "val", "held-out")


def synth(
    kind: Annotated[str, typer.Argument(help="scenes, videos or objects.")],
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives others, equally hard.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 12,
    out: Annotated[Path, typer.Option(help="Folder for what is made.")] = Path("synthetic"),
    size: Annotated[int, typer.Option(min=16, max=2048, help="Width and height in pixels.")] = 128,
    split: Annotated[str, typer.Option(help=f"{', '.join(_SPLITS)}: no object is in two of them.")] = "train",
    format_name: Annotated[
        str, typer.Option("--format", help=f"{', '.join(FORMATS)}; by default the first that fits the kind.")
    ] = "",
    objects: Annotated[
        str, typer.Option(help="procedural, furniture or mixed; the last two need Debian's sweethome3d-furniture.")
    ] = "procedural",
    frames: Annotated[int, typer.Option(min=1, max=4096, help="Frames of a video.")] = 12,
    views: Annotated[int, typer.Option(min=1, max=4096, help="Views of an object.")] = 8,
) -> None:
    """Make synthetic scenes, videos or objects and write them as a published data set, with a contact sheet."""
    with shown():
        chosen = _chosen(kind, format_name, split)
        make = _maker(kind, size, objects, frames, views)
        from .saving import make_folder, save_image

        make_folder(out)
        writer = importlib.import_module(f"backend.synthetic.writers.{chosen.module}")
        options = {**chosen.options, **({"split": "train" if split == "train" else "val"} if chosen.parted else {})}
        cells: Cells = []
        with _made(make, kind, split, seed, count, cells) as items:
            writer.write(items, out, **options)
        from backend.sheets import contact_sheet

        sheet = save_image(out / "contact.png", contact_sheet(cells, SHEET_COLUMNS))
    print(f"{count} {kind} in {out}\n{sheet}")


def _chosen(kind: str, name: str, split: str) -> Format:
    """The format asked for; ProblemError (BAD_PARAMETER) for what there is none of or does not go together."""
    for what, given, allowed in (("kind", kind, tuple(_FIRST)), ("split", split, _SPLITS)):
        if given not in allowed:
            raise ProblemError(
                ErrorCode.BAD_PARAMETER, f"There is no {what} “{given}”.", f"Allowed: {', '.join(allowed)}."
            )
    name = name or _FIRST[kind]
    if name not in FORMATS or FORMATS[name].kind != kind:
        fitting = [other for other, form in FORMATS.items() if form.kind == kind]
        raise ProblemError(
            ErrorCode.BAD_PARAMETER, f"There is no format “{name}” for {kind}.", f"Allowed: {', '.join(fitting)}."
        )
    return FORMATS[name]


def _maker(kind: str, size: int, objects: Any, frames: int, views: int) -> Callable[[int], Any]:
    """What makes one of ``kind`` from a seed."""
    from backend.synthetic import worlds

    makers: dict[str, Callable[[int], Any]] = {
        "scenes": lambda seed: worlds.make_scene(seed, size, objects),
        "videos": lambda seed: worlds.make_video(seed, frames, size, objects),
        "objects": lambda seed: worlds.make_views(seed, views, size, objects),
    }
    return makers[kind]


@contextmanager
def _made(
    make: Callable[[int], Any], kind: str, split: str, seed: int, count: int, cells: Cells
) -> Iterator[Iterator[Any]]:
    """The items one after the other, with a bar on a terminal; the first few leave pictures in ``cells``."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from backend.synthetic import splits

    from .following import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task(f"Making {kind}", total=count)

        def items() -> Iterator[Any]:
            for index in range(count):
                item = make(splits.seed_of(split, seed, index))
                if len(cells) < SHEET_ROWS * SHEET_COLUMNS:
                    cells.extend(_CELLS[kind](index, item))
                yield item
                bars.advance(bar)

        yield items()


def _scene_cells(index: int, scene: Any) -> Cells:
    """A scene on the sheet: its picture, what is what, and which parts are where."""
    from backend.sheets import coloured

    hidden = sum(0 < instance.occlusion_rate < 1 for instance in scene.instances)
    return [
        (f"{index}: {len(scene.instances)} objects", scene.image),
        (f"{hidden} partly hidden", coloured(scene.panoptic)),
        ("parts", coloured(scene.parts)),
    ]


def _video_cells(index: int, video: Any) -> Cells:
    chosen = _spread(len(video.frames))
    return [(f"{index}: frame {number}", video.frames[number].image) for number in chosen]


def _views_cells(index: int, views: Any) -> Cells:
    from backend.sheets import coloured

    chosen = _spread(len(views.cameras))[::2]
    pictures = [(f"{index}: {views.category}", views.images[number]) for number in chosen]
    return pictures + [("parts", coloured(views.parts[number])) for number in chosen]


def _spread(count: int) -> list[int]:
    """A row's worth of numbers below ``count``, evenly spread; the same one again where there are too few."""
    return [number * count // SHEET_COLUMNS for number in range(SHEET_COLUMNS)]


_CELLS: dict[str, Callable[[int, Any], Cells]] = {
    "scenes": _scene_cells,
    "videos": _video_cells,
    "objects": _views_cells,
}
