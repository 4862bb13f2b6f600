"""Folders of cut-outs: RGBA pictures whose alpha is the mask of the one object that they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backend.datasets.files import fault, picture
from backend.imaging.boxes import box_of

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
_SOLID = 128  # alpha from which a pixel is the object's


def pictures_in(folder: Path) -> list[Path]:
    """All picture files below ``folder``, in order. ProblemError (BAD_INPUT) where there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS)
    if not found:
        raise fault(folder, "holds no pictures", "PNG, WebP or JPEG files")
    return found


def read_cutout(path: Path) -> np.ndarray:
    """The RGBA picture ``path``: uint8 H x W x 4, cut to what its alpha leaves.

    ProblemError (BAD_INPUT) naming the file where it cannot be read, or nothing or everything in it is solid.
    """
    pixels = np.array(picture(path).convert("RGBA"))
    solid = pixels[..., 3] >= _SOLID
    if not solid.any() or solid.all():
        raise fault(path, "has no alpha to cut it out", "a picture whose alpha is the object's mask")
    return pixels[box_of(pixels[..., 3] > 8).slices]
