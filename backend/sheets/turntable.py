"""A turning object as an animated GIF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Picture

from .views import on_paper

_COLOURS = 255


def turntable_gif(frames: list[np.ndarray], path: Path | str, fps: float = 15.0) -> None:
    """Write the frames (uint8 H x W x 4, one full turn) to ``path`` as a GIF that loops for ever.

    One palette, chosen from frames all around the object, serves every frame: colours do not flicker and no frame is
    poorer than another.
    """
    pictures = [Picture.fromarray(on_paper(frame)) for frame in frames]
    sample = np.concatenate([np.asarray(picture)[::2, ::2] for picture in pictures[:: max(1, len(pictures) // 8)]])
    palette = Picture.fromarray(sample).quantize(_COLOURS, method=Picture.Quantize.MEDIANCUT)
    flat = [picture.quantize(palette=palette, dither=Picture.Dither.FLOYDSTEINBERG) for picture in pictures]
    flat[0].save(
        path, save_all=True, append_images=flat[1:], duration=round(1000 / fps), loop=0, optimize=False, disposal=1
    )
