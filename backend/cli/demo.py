"""`wholeform demo`: from a photo to a whole object with nothing but this installation."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .problems import shown
from .prompts import parse_box, parse_points

if TYPE_CHECKING:
    import numpy as np

    from protocol import Client, Image, Outputs

TURNTABLE_FRAMES, TURNTABLE_SIDE = 36, 320
VIEWS, VIEW_SIDE = 8, 384


def demo(
    image: Annotated[str, typer.Argument(help="A picture, or coffee, saucer, rocket, astronaut, cat.")] = "",
    point: Annotated[list[str] | None, typer.Option(help="X,Y on the object (X,Y,0: not on it); repeatable.")] = None,
    box: Annotated[str | None, typer.Option(help="X0,Y0,X1,Y1 around the object.", show_default=False)] = None,
    out: Annotated[Path, typer.Option(help="Folder for what is made.")] = Path("demo-output"),
) -> None:
    """Make an object of a picture whole, with a server of its own: masks, completed picture, mesh and views."""
    from backend.serving.embedded import EmbeddedServer

    from .following import follow

    with shown():
        clock = _Clock()
        photo, prompt = _source(image, point, box)
        with EmbeddedServer() as server, server.client(name="demo") as client:
            clock.lap("starting a server")
            job = client.whole_object(photo, **prompt)
            outputs = follow(job)
            clock.lap("the object")
            views = _views(client, outputs, VIEWS, VIEW_SIDE)
            frames = _views(client, outputs, TURNTABLE_FRAMES, TURNTABLE_SIDE)
            clock.lap("its views")
        _write(out, photo, outputs, job.info["models"], views, frames)
        clock.lap("writing")
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in job.info["seconds"].items())
    laps = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in clock.laps.items())
    print(f"\n{sum(clock.laps.values()):.1f} s: {laps}.\nOf the object: {stages}.")


class _Clock:
    """Seconds by what they were spent on."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, what: str) -> None:
        now = time.monotonic()
        self.laps[what], self._since = now - self._since, now


def _source(image: str, point: list[str] | None, box: str | None) -> tuple[Image, dict[str, Any]]:
    """The picture and the prompt: an example's own prompt where none is given."""
    from backend.examples import DEFAULT, EXAMPLES

    from .loading import load_image

    given = {"points": parse_points(point or []), "box": parse_box(box)}
    example = EXAMPLES.get(image or DEFAULT)
    if example is None:
        return load_image(image), given
    own = {"points": example.points, "box": example.box, **example.parameters}
    return load_image(example.path), given if point or box else own


def _views(client: Client, outputs: Outputs, count: int, side: int) -> list[np.ndarray]:
    from .following import follow

    return [view.pixels for view in follow(client.render(outputs.mesh_handle, views=count, size=side)).views]


def _write(
    out: Path,
    photo: Image,
    outputs: Outputs,
    models: dict[str, str],
    views: list[np.ndarray],
    frames: list[np.ndarray],
) -> None:
    """Write everything, saying for each file what it is."""
    from backend.meshes.checks import check_mesh
    from backend.meshes.files import save_mesh
    from backend.sheets import overview, turntable_gif, views_sheet

    from .saving import make_folder, save_image

    make_folder(out)
    report = check_mesh(outputs.mesh)
    mesh_is = f"{report.faces:,} faces, {'watertight' if report.watertight else 'not watertight'}"
    visible, whole, picture = outputs.mask.pixels, outputs.amodal_masks[0].pixels, outputs.completed[0].pixels
    sheet = overview(photo.pixels, visible, whole, picture, views, f"{mesh_is}; models: {', '.join(models.values())}")
    makers: list[tuple[str, str, Callable[[Path], object]]] = [
        ("modal_mask.png", "the visible part", lambda path: save_image(path, visible)),
        ("amodal_mask.png", "the whole object, hidden part too", lambda path: save_image(path, whole)),
        ("completed.png", "its completed picture", lambda path: save_image(path, picture)),
        ("object.glb", f"the mesh with its texture, {mesh_is}", lambda path: save_mesh(outputs.mesh, path)),
        ("object.ply", "the same with vertex colours", lambda path: save_mesh(outputs.mesh, path)),
        ("views.png", f"{len(views)} novel views", lambda path: save_image(path, views_sheet(views))),
        ("turntable.gif", f"once around, {len(frames)} frames", lambda path: turntable_gif(frames, path)),
        ("overview.png", "all of it on one sheet", lambda path: save_image(path, sheet)),
    ]
    for name, what, make in makers:
        make(out / name)
        print(f"{out / name!s:<32} {(out / name).stat().st_size / 1024:>7,.0f} kB  {what}")
