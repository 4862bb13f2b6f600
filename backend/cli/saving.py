"""Results as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from protocol import Outputs
from protocol.messages import LabelInfo
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Array, Camera, Depth, Frames, Handle, Image, LabelMap, Mask, Mesh, Value

from .label_pictures import save_label_map
from .loading import handle_text

_FILE_FORMATS = {"frames": (".mp4", ".gif"), "mesh": (".glb", ".ply", ".obj")}


def save_image(path: Path, pixels: np.ndarray) -> Path:
    """Write uint8 or uint16 pixels in the format of the path's ending; returns the path."""
    from PIL import Image as PillowImage

    PillowImage.fromarray(pixels).save(path)
    return path


def make_folder(folder: Path) -> None:
    """Make ``folder`` for results. ProblemError (BAD_INPUT) when that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"The folder {folder} cannot be made: {error.strerror}.", "Choose another: --out."
        ) from None


def labels_in(info: dict[str, Any]) -> list[LabelInfo]:
    """The palette that a job's ``info`` tells of, by id; none without one."""
    told = info.get("labels", [])
    try:
        return msgspec.convert(told, list[LabelInfo])
    except msgspec.ValidationError:
        return []  # labels of another sort, e.g. the words that `recognize` chose from


class Saved:
    """The outputs of a job in the folder ``out``, or in the file ``out`` where they are of one kind that its ending is
    a format of. ``labels`` are the palette of its label maps and meshes. ``files`` are all paths; ``names`` what each
    output became: a path, a handle's text, a list of them, or for a mesh its paths by format."""

    def __init__(self, outputs: Outputs, out: Path, labels: Sequence[LabelInfo] = ()) -> None:
        self.files: list[Path] = []
        self.names: dict[str, Any] = {}
        self._labels = labels
        kept = [name for name in outputs.names if isinstance(outputs[name], list) or outputs[name].kind != "handle"]
        kinds = {"" if isinstance(outputs[name], list) else outputs[name].kind for name in kept}
        suffix = out.suffix.lower()
        self._suffix = suffix if len(kinds) == 1 and suffix in _FILE_FORMATS.get(kinds.pop(), ()) else ""
        folder = out.parent if self._suffix else out
        make_folder(folder)
        for name in outputs.names:
            values = outputs[name]
            if isinstance(values, list):
                digits = len(str(len(values)))
                stems = [
                    folder / f"{name.removesuffix('s')}_{number:0{digits}}" for number in range(1, len(values) + 1)
                ]
                self.names[name] = [self._save(value, stem) for value, stem in zip(values, stems, strict=True)]
            elif self._suffix:
                stem = out.stem if name == kept[0] else f"{out.stem}_{name}"
                self.names[name] = self._save(values, folder / stem)
            else:
                self.names[name] = self._save(values, folder / name)

    def _save(self, value: Value, stem: Path) -> Any:
        match value:
            case Image() | Mask():
                return self._wrote(save_image(_with(stem, ".png"), value.pixels))
            case LabelMap():
                return self._wrote(save_label_map(_with(stem, ".png"), value, self._labels))
            case Frames():
                return self._save_frames(value, _with(stem, self._suffix or ".mp4"))
            case Mesh():
                suffixes = (self._suffix,) if self._suffix else (".glb", ".ply")
                return {suffix[1:]: self._save_mesh(value, _with(stem, suffix)) for suffix in suffixes}
            case Array() | Depth() | Camera():
                path = _with(stem, ".npz")
                arrays: dict[str, Any] = value.arrays()
                np.savez_compressed(path, **arrays)
                return self._wrote(path)
            case Handle():
                return handle_text(value)
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"A {value.kind} cannot be written to a file yet.", "Use the Python client."
        )

    def _save_mesh(self, mesh: Mesh, path: Path) -> str:
        from backend.meshes.files import save_mesh

        written = [self._wrote(file) for file in save_mesh(mesh, path, labels=self._labels)]
        return written[0]

    def _save_frames(self, frames: Frames, path: Path) -> str:
        from backend.sheets.film import save_film

        return self._wrote(save_film(frames.pixels, path, frames.fps))

    def _wrote(self, path: Path) -> str:
        self.files.append(path)
        return str(path)


def _with(stem: Path, suffix: str) -> Path:
    """``stem`` with ``suffix`` added, whatever dots it has."""
    return stem.with_name(stem.name + suffix)
