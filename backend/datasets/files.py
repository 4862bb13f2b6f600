"""Files of data sets: read, checked, and when they are wrong complained of by name."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from PIL import Image as Picture

from protocol.problems import ErrorCode, ProblemError
from protocol.values import MAX_PIXELS

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".ppm", ".bmp", ".tif", ".tiff")
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Picture.DecompressionBombError)

T = TypeVar("T")


def fault(path: Path | str, what: str, expected: str) -> ProblemError:
    """The complaint that the file ``path`` ``what`` ("lacks …", "holds …"), and what was expected instead."""
    return ProblemError(ErrorCode.BAD_INPUT, f"{path} {what}.", f"Expected: {expected}.")


def read_bytes(path: Path, expected: str) -> bytes:
    """All of a file; ProblemError (BAD_INPUT) when it is missing or cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise fault(path, "is missing" if missing else f"cannot be read: {error.strerror}", expected) from None


def read_json(path: Path, kind: type[T], expected: str) -> T:
    """The JSON in ``path`` as ``kind`` (msgspec Structs). ProblemError (BAD_INPUT) names the file and the field."""
    content = read_bytes(path, expected)
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise fault(path, f"is not as it should be: {error}", expected) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise fault(path, f"is no whole JSON file: {error}", expected) from None


def picture(path: Path | str, content: bytes | None = None) -> Picture.Image:
    """The decoded picture in ``path``, or in ``content``, which ``path`` then only names."""
    expected = f"a picture of at most {MAX_PIXELS // 10**6} million pixels"
    if content is None:
        content = read_bytes(Path(path), expected)
    try:
        with Picture.open(io.BytesIO(content)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise fault(path, f"has {opened.width} x {opened.height} pixels", expected)
            opened.load()
            return opened
    except _UNREADABLE as error:
        raise fault(path, f"cannot be read as a picture: {error}", expected) from None


def read_colours(path: Path | str, size: tuple[int, int] | None = None, content: bytes | None = None) -> np.ndarray:
    """uint8 H x W x 3; an alpha channel is left away. ``size`` is the height and width that it must have."""
    opened = picture(path, content)
    if opened.mode not in ("RGB", "RGBA", "L", "LA", "P", "1"):
        raise fault(path, f"is a picture of mode {opened.mode}", "8-bit colours or greys")
    pixels = np.array(opened.convert("RGB"))
    check_size(path, pixels, size)
    return pixels


def read_numbers(path: Path | str, size: tuple[int, int] | None = None, content: bytes | None = None) -> np.ndarray:
    """uint16 H x W: the ids in a picture of one channel, a palette's indices as they are."""
    opened = picture(path, content)
    if opened.mode not in ("L", "P", "1", "I;16"):
        raise fault(path, f"is a picture of mode {opened.mode}", "one channel of ids, 8 or 16 bits, or a palette")
    numbers = np.array(opened).astype(np.uint16)
    check_size(path, numbers, size)
    return numbers


def read_mask(path: Path | str, size: tuple[int, int] | None = None) -> np.ndarray:
    """bool H x W: where a picture of 0 and 255 is brighter than middle grey."""
    return read_colours(path, size).max(axis=2) > 127


def read_depth(path: Path | str, size: tuple[int, int] | None = None) -> np.ndarray:
    """float32 H x W from a TIFF of floats."""
    opened = picture(path)
    if opened.mode != "F":
        raise fault(path, f"is a picture of mode {opened.mode}", "one channel of 32-bit floats")
    depth = np.array(opened)
    check_size(path, depth, size)
    return depth


def check_size(path: Path | str, pixels: np.ndarray, size: tuple[int, int] | None) -> None:
    """ProblemError (BAD_INPUT) unless ``pixels`` have the height and width ``size``."""
    if size is not None and pixels.shape[:2] != tuple(size):
        height, width = pixels.shape[:2]
        raise fault(path, f"is {width} pixels wide and {height} high", f"{size[1]} wide and {size[0]} high")


def list_pictures(folder: Path) -> list[Path]:
    """All pictures in ``folder`` and below, sorted by path; ProblemError (BAD_INPUT) when there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_ENDINGS)
    if not found:
        what = "holds no pictures" if folder.is_dir() else "is missing"
        raise fault(folder, what, f"a folder of pictures ({', '.join(PICTURE_ENDINGS)})")
    return found
