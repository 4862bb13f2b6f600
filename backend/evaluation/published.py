"""Cases from folders of published data sets: every object that is drawn whole, its true visible mask as the prompt."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from backend.datasets.coco_amodal import FLAVOURS, CocoAmodal, coco_amodal
from backend.datasets.cocoa import CocoA
from backend.datasets.files import fault
from backend.datasets.pix2gestalt import FOLDERS, Occlusions
from backend.datasets.records import AmodalInstance
from backend.evaluation.cases import Case, Source
from backend.imaging.boxes import box_of
from backend.imaging.clicks import middle
from backend.imaging.prompts import MIN_SIDE

# COCO-A's own files beside COCO's pictures, by split.
COCO_A = {split: (f"annotations/COCO_amodal_{split}2014.json", f"{split}2014") for split in ("train", "val")}
KNOWN = "COCO-A, COCOA-cls, KINS, D2SA or pix2gestalt's occlusion set"


def published_cases(folder: Path, split: str, count: int | None) -> Source[Case] | None:
    """The objects of the data set in ``folder``, in its order, or its first ``count``: of its training part when
    ``split`` is train, else of its validation part. None where the folder is none of KNOWN.

    Whole objects count as well as hidden ones, and COCO-A's regions of stuff too, as in the published figures; crowds
    do not. ProblemError (BAD_INPUT) naming the file that is missing or wrong.
    """
    part = "train" if split == "train" else "val"
    if (folder / FOLDERS[0]).is_dir():
        pairs = Occlusions(folder, part)
        wanted = len(pairs) if count is None else min(count, len(pairs))
        return Source(str(folder), wanted, (_of_pair(pairs, index) for index in range(wanted)))
    reader = _reader(folder, part)
    if reader is None:
        return None
    # Masks are read once more to be counted: all of them together are more than memory should hold.
    wanted = sum(1 for _ in islice(_places(reader), count))
    if not wanted:
        raise fault(reader.file, "has no object of which anything is visible", "one at least")
    names: tuple[str, ...] = ()
    if isinstance(reader, CocoAmodal) and reader.flavour.named:
        names = tuple(dict.fromkeys(reader.categories.values()))
    return Source(str(folder), wanted, islice(_cases(reader), wanted), names)


def _reader(folder: Path, split: str) -> CocoAmodal | CocoA | None:
    for name, flavour in FLAVOURS.items():
        if (folder / flavour.annotations[split]).is_file():
            return coco_amodal(name, folder, split)
    annotations, images = COCO_A[split]
    return CocoA(folder / annotations, folder / images) if (folder / annotations).is_file() else None


def _scored(instances: tuple[AmodalInstance, ...]) -> list[AmodalInstance]:
    return [each for each in instances if not each.crowd and each.amodal.any()]


def _places(reader: CocoAmodal | CocoA) -> Iterator[AmodalInstance]:
    for index in range(len(reader)):
        yield from _scored(reader.instances(index))


def _cases(reader: CocoAmodal | CocoA) -> Iterator[Case]:
    for index in range(len(reader)):
        if not _scored(reader.instances(index)):
            continue
        record = reader[index]
        for each in _scored(record.instances):
            name = f"{record.image_id}-{index}-{each.id}"
            yield _case(name, record.image, each.modal, each.amodal, each.occlusion_rate, name_of=each.category)


def _of_pair(pairs: Occlusions, index: int) -> Case:
    pair = pairs[index]
    rate = 1 - float((pair.modal & pair.amodal).sum() / max(1, pair.amodal.sum()))
    whole = np.dstack([pair.whole, pair.amodal.astype(np.uint8) * 255])
    return _case(pair.name, pair.occluded, pair.modal, pair.amodal, rate, whole=whole)


def _case(
    name: str,
    image: np.ndarray,
    modal: np.ndarray,
    amodal: np.ndarray,
    rate: float,
    *,
    whole: np.ndarray | None = None,
    name_of: str = "",
) -> Case:
    box, point = box_of(modal), middle(modal)
    if min(box.width, box.height) < MIN_SIDE:  # no model takes smaller ones
        box = box.grown(MIN_SIDE - 1, (image.shape[0], image.shape[1]))
    return Case(
        id=name,
        image=image,
        modal=modal,
        amodal=amodal,
        box=(float(box.x0), float(box.y0), float(box.x1), float(box.y1)),
        point=(float(point[0]), float(point[1])),
        occlusion_rate=rate,
        whole=whole,
        name=name_of,
    )
