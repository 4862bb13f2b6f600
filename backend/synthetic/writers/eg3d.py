"""EG3D-style zips: pictures with cameras in `dataset.json`, part labels, and contour drawings."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from backend.fields.cameras import to_opencv
from backend.imaging.paper import on_white
from backend.synthetic.scene import Views
from protocol.problems import ErrorCode, ProblemError

from .output import glb_bytes, json_bytes, png_bytes, something, write_bytes

_IN_A_FOLDER = 1000
_DEPTH_STEP = 0.05  # of the distance: a larger one between neighbours is a contour


def write(objects: Iterable[Views], folder: Path) -> None:
    """`images.zip` (RGB on white, `dataset.json`), `labels.zip` (part ids) and `edges.zip` (black contours on white).

    The three hold entries of the same names in the same order, object by object and view by view; `labels.json` has
    the labels' names in the order of their ids, `objects.json` which object each entry shows, `meshes/` a GLB of each
    object, which EG3D has not. Cameras are
    cam2world and intrinsics as `backend.fields.cameras` says for OpenCV. ProblemError (BAD_INPUT) when objects have
    different part names or over 256.
    """
    images, labels, edges = _Zip(), _Zip(), _Zip()
    cameras: list[tuple[str, list[float]]] = []
    shown: list[dict[str, str]] = []
    names: tuple[str, ...] = ()
    for index, views in enumerate(objects):
        write_bytes(folder / "meshes" / f"{index:05d}.glb", glb_bytes(views.mesh))
        names = names or views.part_names
        if views.part_names != names or len(names) > 256:
            what = f"The object {views.model} has other part names than those before it, or over 256."
            raise ProblemError(ErrorCode.BAD_INPUT, what, "Write objects with other part names into another folder.")
        for view, camera in enumerate(views.cameras):
            number = len(cameras)
            name = f"{number // _IN_A_FOLDER:05d}/img{number:08d}.png"
            images.add(name, png_bytes(on_white(views.images[view])))
            labels.add(name, png_bytes(views.parts[view].astype(np.uint8)))
            edges.add(name, png_bytes(_contours(views.parts[view], views.depth[view])))
            pose, lens = to_opencv(camera)
            cameras.append((name, [*pose.ravel().tolist(), *lens.ravel().tolist()]))
            shown.append({"file": name, "category": views.category, "model": views.model})
    something(len(cameras), "view")
    images.add("dataset.json", json_bytes({"labels": cameras}))
    for file, made in (("images.zip", images), ("labels.zip", labels), ("edges.zip", edges)):
        write_bytes(folder / file, made.content())
    write_bytes(folder / "labels.json", json_bytes(list(names)))
    write_bytes(folder / "objects.json", json_bytes(shown))


class _Zip:
    """A zip in memory, stored unpacked as EG3D's are, without times of day."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self._zip = zipfile.ZipFile(self._bytes, "w", zipfile.ZIP_STORED)

    def add(self, name: str, content: bytes) -> None:
        entry = zipfile.ZipInfo(name)
        entry.create_system = 3  # the same on every system
        entry.external_attr = 0o644 << 16
        self._zip.writestr(entry, content)

    def content(self) -> bytes:
        self._zip.close()
        return self._bytes.getvalue()


def _contours(parts: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """uint8 H x W, 0 where a part ends or the depth jumps, else 255."""
    near = np.where(np.isfinite(depth), depth, np.float32(1e6))
    ink = np.zeros(parts.shape, bool)
    for axis in (0, 1):
        beside, away = np.diff(parts.astype(np.int32), axis=axis) != 0, np.abs(np.diff(near, axis=axis))
        first = tuple(slice(0, -1) if number == axis else slice(None) for number in (0, 1))
        ink[first] |= beside | (away > _DEPTH_STEP * near[first])
    return np.where(ink, np.uint8(0), np.uint8(255))
