"""Pictures, masks and results as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from backend.meshes.files import save_mesh
from protocol import Outputs
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Array, Camera, Depth, Handle, Image, LabelMap, Mask, Mesh, Value


def load_image(path: Path) -> Image:
    """The picture in ``path``, upright as its camera noted. ProblemError (BAD_INPUT) when it cannot be read."""
    try:
        with PillowImage.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            has_alpha = "A" in picture.getbands() or "transparency" in picture.info
            return Image(np.array(picture.convert("RGBA" if has_alpha else "RGB")))
    except FileNotFoundError:
        raise ProblemError(ErrorCode.BAD_INPUT, f"There is no file {path}.", "Check the path.") from None
    except (UnidentifiedImageError, OSError, PillowImage.DecompressionBombError) as error:
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"{path} cannot be read as a picture: {error}.", "Use PNG, JPEG, WebP, TIFF or BMP."
        ) from None


def load_mask(path: Path) -> Mask:
    """The mask in ``path``: its alpha where it has one that varies, else what is brighter than middle grey."""
    pixels = load_image(path).pixels
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        return Mask.of(pixels[..., 3] >= 128)
    return Mask.of(pixels[..., :3].max(axis=2) >= 128)


def save_image(path: Path, pixels: np.ndarray) -> Path:
    """Write uint8 pixels in the format of the path's ending; returns the path."""
    PillowImage.fromarray(pixels).save(path)
    return path


def save_outputs(outputs: Outputs, folder: Path) -> list[Path]:
    """Write every output of a job into ``folder``; handles, which live on the server, are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name in outputs.names:
        values = outputs[name]
        if isinstance(values, list):
            stem = name.removesuffix("s")
            for number, value in enumerate(values, 1):
                written += _save(value, folder / f"{stem}_{number}")
        else:
            written += _save(values, folder / name)
    return written


def _save(value: Value, stem: Path) -> list[Path]:
    path = stem.with_suffix(".png")
    match value:
        case Image() | Mask():
            return [save_image(path, value.pixels)]
        case LabelMap():
            return [save_image(path, value.ids)]
        case Mesh():
            return [*save_mesh(value, stem.with_suffix(".glb")), *save_mesh(value, stem.with_suffix(".ply"))]
        case Array() | Depth() | Camera():
            np.savez_compressed(stem.with_suffix(".npz"), **_arrays(value))
            return [stem.with_suffix(".npz")]
        case Handle():
            return []
    raise ProblemError(
        ErrorCode.BAD_INPUT, f"A {value.kind} cannot be written to a file yet.", "Use the Python client."
    )


def _arrays(value: Value) -> dict[str, Any]:
    return dict(value.arrays())
