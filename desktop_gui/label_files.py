"""Label maps in files: PNG of ids, PNG in the palette's colours, and the examples that come with the program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from protocol import ErrorCode, LabelMap, ProblemError
from protocol.labels import from_colours, from_ids, palette_of
from protocol.messages import LabelInfo
from protocol.values import MAX_SIDE

from .files import Replacing

EXAMPLES = Path(__file__).parent / "examples" / "labels"
NAMES = "Labels"  # the PNG text that names what the ids mean
_ID_MODES = ("1", "L", "I", "I;16", "I;16B", "I;16L")


def load_label_map(path: Path, labels: Sequence[LabelInfo]) -> LabelMap:
    """The label map in a picture file: ids (grey, or the places in a palette of its own), or exactly the colours of
    ``labels``. ProblemError (BAD_INPUT) when it cannot be read, is too large, or has ids or colours of no label."""
    import PIL.Image

    try:
        with PIL.Image.open(path) as picture:
            if max(picture.size) > MAX_SIDE:
                raise ProblemError(
                    ErrorCode.BAD_INPUT,
                    f"“{path.name}” has {picture.width:,} x {picture.height:,} pixels.",
                    f"Allowed: sides up to {MAX_SIDE:,}.",
                )
            if picture.mode in _ID_MODES:
                return from_ids(np.asarray(picture), labels)
            colours = np.asarray(picture.convert("RGBA"))
            places = np.asarray(picture) if picture.mode == "P" else None
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        what = "There is no file" if isinstance(error, FileNotFoundError) else "There is no picture in"
        hint = "Use a PNG of label ids, or of the labels' colours."
        raise ProblemError(ErrorCode.BAD_INPUT, f"{what} “{path.name}”.", hint) from error
    try:
        return from_colours(colours, labels)
    except ProblemError:
        if places is None:
            raise
        # Other programs give the ids whatever colours they like.
        return from_ids(places, labels)


def save_ids(path: Path, ids: np.ndarray) -> list[Path]:
    """Write ``ids`` (uint16 H x W) as a grey PNG whose values are the ids."""
    import PIL.Image

    small = ids.astype(np.uint8) if int(ids.max(initial=0)) < 256 else ids
    with Replacing(path) as temporary:
        PIL.Image.fromarray(small).save(temporary, format="PNG")
    return [path]


def save_colours(path: Path, ids: np.ndarray, labels: Sequence[LabelInfo]) -> list[Path]:
    """Write ``ids`` (uint16 H x W) as a PNG in the colours of ``labels``, at most 256 of them, which programs show as
    such and from which the ids can be read as well."""
    import PIL.Image
    import PIL.PngImagePlugin

    picture = PIL.Image.fromarray(ids.astype(np.uint8), "P")
    picture.putpalette(palette_of(labels).tobytes())
    note = PIL.PngImagePlugin.PngInfo()
    note.add_text(NAMES, ", ".join(label.name for label in labels))
    with Replacing(path) as temporary:
        picture.save(temporary, format="PNG", pnginfo=note, optimize=True)
    return [path]


def example_for(labels: Sequence[LabelInfo]) -> Path | None:
    """The example painted with just these ``labels``; None when there is none."""
    import PIL.Image

    names = ", ".join(label.name for label in labels)
    for path in sorted(EXAMPLES.glob("*.png")):
        with PIL.Image.open(path) as picture:
            if picture.info.get(NAMES) == names:
                return path
    return None
