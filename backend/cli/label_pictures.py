"""Label maps as picture files: read by the palettes of a server's models, written with the palette that they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protocol.descriptions import LabelInfo
from protocol.labels import from_colours, from_ids, palette_of
from protocol.messages import Catalogue, TaskInfo
from protocol.problems import ErrorCode, ProblemError
from protocol.values import LabelMap

from .loading import colours_of, opened

_ID_MODES = ("1", "L", "I", "I;16", "I;16B", "I;16L", "I;16N")
Palette = Sequence[LabelInfo]


@dataclass(frozen=True)
class LabelPicture:
    """A picture file that shows a label map, before it is known whose labels: ``ids`` (integers H x W) where the file
    has numbers, ``colours`` (uint8 H x W x 3 or 4) where it has colours; of a picture with a palette, both."""

    ids: np.ndarray | None
    colours: np.ndarray | None

    def label_map(self, palettes: Sequence[Palette]) -> LabelMap:
        """What it shows in the first of ``palettes`` that fits. Colours that are the palette's mean its labels whatever
        their numbers in the file, so that pictures from any painting program are read; else numbers are ids.

        ProblemError (BAD_INPUT) naming the colours or ids that no label has, and the palette."""
        problem = ProblemError(ErrorCode.BAD_INPUT, "This server has no model that knows labels.", "Choose another.")
        ways = [(from_colours, self.colours), (from_ids, self.ids)]
        for read, data in [(read, data) for read, data in ways if data is not None]:
            for labels in palettes:
                try:
                    return read(data, labels)
                except ProblemError as error:
                    problem = error
        raise problem


def load_label_picture(path: Path | str) -> LabelPicture:
    """The picture in ``path``. ProblemError (BAD_INPUT) when it cannot be read."""
    with opened(path) as picture:
        if picture.mode in _ID_MODES:
            return LabelPicture(np.array(picture), None)
        return LabelPicture(np.array(picture) if picture.mode == "P" else None, colours_of(picture))


def palettes_for(catalogue: Catalogue, task: TaskInfo, parameters: dict[str, object]) -> list[Palette]:
    """The palettes that a label map for ``task`` may be in: that of the model it is given to, where the task has a
    choice of models, else those of all models."""
    choice = next((parameter for parameter in task.parameters if parameter.kind == "model"), None)
    if choice is None:
        return [model.labels for model in catalogue.models if model.labels]
    name = parameters.get(choice.name, choice.default)
    return [model.labels for model in catalogue.models if model.name == name and model.labels]


def save_label_map(path: Path, label_map: LabelMap, labels: Palette) -> Path:
    """Write ``label_map`` as PNG: with ``labels``, 8-bit ids that show in their colours; else ids in 16 bits."""
    from PIL import Image as PillowImage

    if not labels or len(labels) > 256 or label_map.ids.max() >= len(labels):
        PillowImage.fromarray(label_map.ids).save(path)
        return path
    picture = PillowImage.fromarray(label_map.ids.astype(np.uint8))
    picture.putpalette(palette_of(labels).tobytes())
    picture.save(path)
    return path
