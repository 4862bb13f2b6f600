"""Values read from files named on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera, Handle, Image, Mask, Mesh


def load_value(kind: str, text: str) -> Any:
    """The value of ``kind`` that ``text`` names: a file's path or a handle; a label map as LabelPicture, since only a
    server knows whose labels it shows. ProblemError (BAD_INPUT) otherwise."""
    if kind not in _LOADERS:
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"A {kind} cannot be given on the command line.", "Use the Python client."
        )
    return _LOADERS[kind](text)


def load_image(path: Path | str) -> Image:
    """The picture in ``path``, upright as its camera noted. ProblemError (BAD_INPUT) when it cannot be read."""
    with opened(path) as picture:
        return Image(colours_of(picture))


def colours_of(picture: PillowImage.Image) -> np.ndarray:
    """uint8 H x W x 3, or x 4 where ``picture`` has alpha."""
    has_alpha = "A" in picture.getbands() or "transparency" in picture.info
    return np.array(picture.convert("RGBA" if has_alpha else "RGB"))


@contextmanager
def opened(path: Path | str) -> Iterator[PillowImage.Image]:
    """The file ``path`` in Pillow, upright as its camera noted. ProblemError (BAD_INPUT) when it cannot be read, also
    by what is done with it."""
    try:
        with PillowImage.open(path) as file:
            yield ImageOps.exif_transpose(file)
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"{path} cannot be read as a picture: {error}.", "Use PNG, JPEG, WebP, TIFF or BMP."
        ) from None


def load_mask(path: Path | str) -> Mask:
    """The mask in ``path``: its alpha where it has one that varies, else what is brighter than middle grey."""
    pixels = load_image(path).pixels
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        return Mask.of(pixels[..., 3] >= 128)
    return Mask.of(pixels[..., :3].max(axis=2) >= 128)


def _load_label_picture(text: str) -> Any:
    from .label_pictures import load_label_picture

    return load_label_picture(text)


def _load_mesh(text: str) -> Mesh:
    from backend.meshes.files import load_mesh

    return load_mesh(text)


def _load_camera(text: str) -> Camera:
    try:
        with np.load(text, allow_pickle=False) as arrays:
            return Camera(arrays["cam2world"].astype(np.float32), arrays["intrinsics"].astype(np.float32))
    except FileNotFoundError:
        raise _missing(text) from None
    except (OSError, ValueError, KeyError):
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"{text} is no camera.", "Give a .npz with cam2world (4 x 4) and intrinsics (3 x 3)."
        ) from None


def _load_handle(text: str) -> Handle:
    holds, colon, name = text.partition(":")
    if not (holds and colon and name):
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"“{text}” is not a handle.", "Give it as an earlier run printed it, HOLDS:ID."
        )
    return Handle(name, holds)


def handle_text(handle: Handle) -> str:
    """``handle`` as commands print and take it."""
    return f"{handle.holds}:{handle.id}"


def _missing(path: Path | str) -> ProblemError:
    return ProblemError(ErrorCode.BAD_INPUT, f"There is no file {path}.", "Check the path.")


_LOADERS: dict[str, Callable[[str], Any]] = {
    "label_map": _load_label_picture,
    "image": load_image,
    "mask": load_mask,
    "mesh": _load_mesh,
    "camera": _load_camera,
    "handle": _load_handle,
}
