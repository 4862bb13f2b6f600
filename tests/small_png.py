"""Pictures of windows for docs/screens."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import PIL.Image

Colour = tuple[int, int, int] | str


def write_small(picture: PIL.Image.Image, named: Iterable[Colour], path: Path) -> None:
    """A PNG with 256 colours: photos in it stay presentable at a third of the bytes. The ``named`` colours keep a
    place among them, however few pixels have them."""
    bands = list(named)
    extra = PIL.Image.new("RGB", (picture.width, picture.height + 20 * len(bands)))
    extra.paste(picture)
    for row, colour in enumerate(bands):
        extra.paste(colour, (0, picture.height + 20 * row, picture.width, picture.height + 20 * row + 20))
    palette = extra.quantize(256, method=PIL.Image.Quantize.MEDIANCUT)
    picture.quantize(palette=palette, dither=PIL.Image.Dither.NONE).save(path, optimize=True)
