"""pix2gestalt's occlusion set: four folders whose pictures belong together by their order alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .files import fault, list_pictures, read_colours, read_mask

FOLDERS = ("occlusion", "whole", "whole_mask", "visible_object_mask")
_TRAINING_SHARE = 0.99


@dataclass(frozen=True, eq=False)
class Occlusion:
    """``occluded`` uint8 H x W x 3, an object behind another; ``whole`` the same object alone on white; ``amodal`` and
    ``modal`` its whole and its visible area, bool H x W. ``name`` is the first picture's."""

    name: str
    occluded: np.ndarray
    whole: np.ndarray
    amodal: np.ndarray
    modal: np.ndarray


class Occlusions:
    """The data set in ``folder``; ``part`` is train (the first 99 %), val (the rest) or all.

    ProblemError (BAD_INPUT) when a folder is missing, the four hold different numbers of pictures, or a picture's size
    differs from its partners'.
    """

    def __init__(self, folder: Path, part: str = "all") -> None:
        lists = [list_pictures(folder / name) for name in FOLDERS]
        for name, paths in zip(FOLDERS, lists, strict=True):
            if len(paths) != len(lists[0]):
                what = f"holds {len(paths)} pictures"
                raise fault(
                    folder / name, what, f"{len(lists[0])}, as {FOLDERS[0]} does: they are paired by their order"
                )
        first = int(_TRAINING_SHARE * len(lists[0]))
        chosen = {"train": slice(first), "val": slice(first, None), "all": slice(None)}.get(part)
        if chosen is None:
            raise fault(folder, f"has no part {part!r}", "train, val or all")
        self._items = list(zip(*lists, strict=True))[chosen]

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Occlusion:
        occluded_path, whole_path, amodal_path, modal_path = self._items[index]
        occluded = read_colours(occluded_path)
        size = occluded.shape[:2]
        whole = read_colours(whole_path, size)
        return Occlusion(occluded_path.stem, occluded, whole, read_mask(amodal_path, size), read_mask(modal_path, size))
