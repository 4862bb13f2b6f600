"""Films as files: MP4 for players, GIF for pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from protocol.problems import ErrorCode, ProblemError

from .turntable import turntable_gif
from .views import on_paper

FILM_FORMATS = (".mp4", ".gif")
_H264 = {"codec": "libx264", "quality": 8, "ffmpeg_log_level": "error"}  # quality is of 10


def save_film(frames: np.ndarray, path: Path, fps: float) -> Path:
    """Write ``frames`` (uint8 T x H x W x 3 or 4) to ``path`` by its ending, .mp4 (H.264, which every player reads) or
    .gif (looping); returns the path. ProblemError: BAD_INPUT for another ending, INTERNAL without an encoder."""
    match path.suffix.lower():
        case ".mp4":
            _save_mp4(frames, path, fps)
        case ".gif":
            turntable_gif(list(frames), path, fps)
        case _:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"“{path.name}” names no film format.",
                f"Use a name that ends in {' or '.join(FILM_FORMATS)}.",
            )
    return path


def _save_mp4(frames: np.ndarray, path: Path, fps: float) -> None:
    import imageio.v2

    # Players want colours at half the resolution, and that an even number of pixels.
    odd = [(0, size % 2) for size in frames.shape[1:3]]
    try:
        writer = imageio.v2.get_writer(path, format="FFMPEG", fps=fps, macro_block_size=2, **_H264)
    except ImportError as error:
        raise ProblemError(
            ErrorCode.INTERNAL,
            "There is no encoder for MP4 here.",
            "Install it: pip install imageio-ffmpeg; or give --out a name that ends in .gif.",
        ) from error
    with writer:
        for frame in frames:
            writer.append_data(np.pad(on_paper(frame), [*odd, (0, 0)], mode="edge"))
