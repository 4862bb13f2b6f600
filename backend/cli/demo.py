"""`wholeform demo`: from a photo to a whole object with nothing but this installation."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from backend.serving.embedded import EmbeddedServer
from protocol import Client, Image, Outputs

from .prompts import parse_box, parse_points

TURNTABLE_FRAMES, TURNTABLE_SIDE = 36, 320
VIEWS, VIEW_SIDE = 8, 384


def demo(
    image: Annotated[str, typer.Argument(help="A picture, or one of the examples by name.")] = "",
    point: Annotated[list[str] | None, typer.Option(help="X,Y on the object (X,Y,0: not on it); repeatable.")] = None,
    box: Annotated[str | None, typer.Option(help="X0,Y0,X1,Y1 around the object.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for what is made.")] = Path("demo-output"),
) -> None:
    """Make an object of a picture whole, with a server of its own: masks, completed picture, mesh and views."""
    began = time.monotonic()
    photo, prompt = _source(image, point, box)
    with EmbeddedServer() as server, server.client(name="demo") as client:
        whole = _whole(client, photo, prompt)
        views = _views(client, whole.outputs, VIEWS, VIEW_SIDE)
        frames = _views(client, whole.outputs, TURNTABLE_FRAMES, TURNTABLE_SIDE)
    _write(out, photo, whole, views, frames)
    seconds = ", ".join(f"{stage} {taken:.1f} s" for stage, taken in whole.info["seconds"].items())
    print(f"{time.monotonic() - began:.1f} s in all ({seconds})")


class _Whole:
    def __init__(self, outputs: Outputs, info: dict[str, Any]) -> None:
        self.outputs = outputs
        self.info = info


def _source(image: str, point: list[str] | None, box: str | None) -> tuple[Image, dict[str, Any]]:
    """The picture and the prompt: an example's own prompt where none is given."""
    from backend import examples

    from .files import load_image

    given = {"points": parse_points(point or []), "box": parse_box(box)}
    if image in examples.EXAMPLES or not image:
        example = examples.EXAMPLES[image or examples.DEFAULT]
        own = {"points": [list(p) for p in example.points], "box": list(example.box) if example.box else None}
        return load_image(example.path), given if point or box else own
    return load_image(Path(image)), given


def _whole(client: Client, photo: Image, prompt: dict[str, Any]) -> _Whole:
    from .following import follow

    job = client.whole_object(photo, points=prompt["points"], box=prompt["box"])
    return _Whole(follow(job), job.info)


def _views(client: Client, outputs: Outputs, count: int, side: int) -> list[np.ndarray]:
    from .following import follow

    return [view.pixels for view in follow(client.render(outputs.mesh_handle, views=count, size=side)).views]


def _write(out: Path, photo: Image, whole: _Whole, views: list[np.ndarray], frames: list[np.ndarray]) -> None:
    """Write everything, saying for each file what it is."""
    from backend.meshes.checks import check_mesh
    from backend.meshes.files import save_mesh
    from backend.sheets import overview, turntable_gif, views_sheet

    from .files import save_image

    outputs = whole.outputs
    out.mkdir(parents=True, exist_ok=True)
    report = check_mesh(outputs.mesh)
    models = ", ".join(whole.info["models"].values())
    mesh_is = f"{report.faces:,} faces, {'watertight' if report.watertight else 'not watertight'}"
    sheet = overview(
        photo.pixels,
        outputs.mask.pixels,
        outputs.amodal_masks[0].pixels,
        outputs.completed[0].pixels,
        views,
        f"{mesh_is}; models: {models}",
    )
    makers: list[tuple[str, str, Callable[[Path], object]]] = [
        ("modal_mask.png", "the visible part", lambda path: save_image(path, outputs.mask.pixels)),
        ("amodal_mask.png", "the whole object", lambda path: save_image(path, outputs.amodal_masks[0].pixels)),
        ("completed.png", "its completed picture", lambda path: save_image(path, outputs.completed[0].pixels)),
        ("object.glb", f"the mesh with its texture, {mesh_is}", lambda path: save_mesh(outputs.mesh, path)),
        ("object.ply", "the same with vertex colours", lambda path: save_mesh(outputs.mesh, path)),
        ("views.png", f"{len(views)} novel views", lambda path: save_image(path, views_sheet(views))),
        ("turntable.gif", "once around", lambda path: turntable_gif(frames, path)),
        ("overview.png", "all of it on one sheet", lambda path: save_image(path, sheet)),
    ]
    for name, what, make in makers:
        make(out / name)
        print(f"{out / name}  {(out / name).stat().st_size / 1024:,.0f} kB  {what}")
