"""Results as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from protocol import Outputs
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Array, Camera, Depth, Handle, Image, LabelMap, Mask, Mesh, Value

from .loading import handle_text


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


class Saved:
    """The outputs of a job in ``folder``. ``files`` are all paths; ``names`` what each output became: a path, a
    handle's text, a list of them, or for a mesh its paths by format."""

    def __init__(self, outputs: Outputs, folder: Path) -> None:
        make_folder(folder)
        self.files: list[Path] = []
        self.names: dict[str, Any] = {}
        for name in outputs.names:
            values = outputs[name]
            if isinstance(values, list):
                digits = len(str(len(values)))
                stems = [
                    folder / f"{name.removesuffix('s')}_{number:0{digits}}" for number in range(1, len(values) + 1)
                ]
                self.names[name] = [self._save(value, stem) for value, stem in zip(values, stems, strict=True)]
            else:
                self.names[name] = self._save(values, folder / name)

    def _save(self, value: Value, stem: Path) -> Any:
        match value:
            case Image() | Mask():
                return self._wrote(save_image(stem.with_suffix(".png"), value.pixels))
            case LabelMap():
                return self._wrote(save_image(stem.with_suffix(".png"), value.ids))
            case Mesh():
                return {suffix: self._save_mesh(value, stem.with_suffix(f".{suffix}")) for suffix in ("glb", "ply")}
            case Array() | Depth() | Camera():
                path = stem.with_suffix(".npz")
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

        (written,) = save_mesh(mesh, path)
        return self._wrote(written)

    def _wrote(self, path: Path) -> str:
        self.files.append(path)
        return str(path)
