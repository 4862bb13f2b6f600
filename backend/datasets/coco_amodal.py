"""KINS, D2SA and COCOA-cls: COCO's instance JSON, in which `segmentation` is the whole object, hidden part too."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from protocol.problems import ErrorCode, ProblemError

from .files import fault, read_colours, read_json
from .records import AmodalImage, AmodalInstance
from .regions import Region, decode


@dataclass(frozen=True)
class Flavour:
    """How one data set departs from the others: the field of the visible mask, whether categories have names, and
    where its files lie in its folder, by split."""

    name: str
    visible: str
    named: bool
    annotations: dict[str, str]
    images: dict[str, str]


FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        Flavour(
            "kins",
            "inmodal_seg",
            True,
            {"train": "annotations/instances_train.json", "val": "annotations/instances_val.json"},
            {"train": "training/image_2", "val": "testing/image_2"},
        ),
        Flavour(
            "d2sa",
            "visible_mask",
            False,
            {
                "train": "annotations/D2S_amodal_training_rot0.json",
                "val": "annotations/D2S_amodal_validation.json",
            },
            {"train": "images", "val": "images"},
        ),
        Flavour(
            "cocoa",
            "visible_mask",
            True,
            {split: f"annotations/COCO_amodal_{split}2014_with_classes.json" for split in ("train", "val")},
            {"train": "train2014", "val": "val2014"},
        ),
    )
}


class _Image(msgspec.Struct):
    id: int
    file_name: str
    height: int
    width: int


class _Annotation(msgspec.Struct):
    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    segmentation: Region
    inmodal_seg: Region | None = None
    visible_mask: Region | None = None
    occlude_rate: float | None = None
    occluded_rate: float | None = None  # what some copies call it
    iscrowd: int = 0


class _Category(msgspec.Struct):
    id: int
    name: str = ""


class _File(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


class CocoAmodal:
    """The pictures in ``images`` with the objects that the JSON ``annotations`` of a flavour has for them.

    ``contiguous`` maps the file's category ids, sorted, to 0, 1, …. An object of which nothing is visible is left out,
    as the published loaders do. ProblemError (BAD_INPUT) names the file, and the field, that is missing or wrong.
    """

    def __init__(self, flavour: str, annotations: Path, images: Path) -> None:
        self.flavour = flavour_named(flavour)
        content = read_json(annotations, _File, f"{flavour}'s JSON with images, annotations and categories")
        self.file, self.images = annotations, images
        self.categories = {
            category.id: category.name if self.flavour.named else str(category.id) for category in content.categories
        }
        self.contiguous = {category: number for number, category in enumerate(sorted(self.categories))}
        self._images = content.images
        self._objects: dict[int, list[tuple[str, _Annotation]]] = defaultdict(list)
        known = {image.id for image in content.images}
        for number, annotation in enumerate(content.annotations):
            where = f"$.annotations[{number}]"
            if annotation.image_id not in known:
                raise fault(annotations, f"has no image {annotation.image_id} for {where}", "it in images")
            if annotation.category_id not in self.categories:
                raise fault(annotations, f"has no category {annotation.category_id} for {where}", "it in categories")
            if self._visible(annotation) is None:
                expected = f"the visible mask there, as {flavour} has it; other data sets name it otherwise"
                raise fault(annotations, f"lacks “{self.flavour.visible}” in {where}", expected)
            self._objects[annotation.image_id].append((where, annotation))

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> AmodalImage:
        image = self._images[index]
        pixels = read_colours(self.images / image.file_name, (image.height, image.width))
        return AmodalImage(image.id, image.file_name, pixels, self.instances(index))

    def instances(self, index: int) -> tuple[AmodalInstance, ...]:
        """The objects of picture ``index`` alone, which needs no picture."""
        image = self._images[index]
        read = (self._instance(where, each, (image.height, image.width)) for where, each in self._objects[image.id])
        return tuple(instance for instance in read if instance.modal.any())

    def _instance(self, where: str, annotation: _Annotation, size: tuple[int, int]) -> AmodalInstance:
        visible = self._visible(annotation)
        assert visible is not None
        modal = decode(visible, size, self.file, f"{where}.{self.flavour.visible}")
        amodal = decode(annotation.segmentation, size, self.file, f"{where}.segmentation")
        given = annotation.occlude_rate if annotation.occluded_rate is None else annotation.occluded_rate
        x, y, width, height = annotation.bbox
        return AmodalInstance(
            annotation.id,
            annotation.category_id,
            self.categories[annotation.category_id],
            modal,
            amodal,
            (x, y, x + width, y + height),
            hidden_share(modal, amodal) if given is None else given,
            bool(annotation.iscrowd),
        )

    def _visible(self, annotation: _Annotation) -> Region | None:
        return annotation.inmodal_seg if self.flavour.visible == "inmodal_seg" else annotation.visible_mask


def hidden_share(modal: np.ndarray, amodal: np.ndarray) -> float:
    """1 - visible area / whole area, as the published evaluation has it where a file gives no rate; 0 to 1."""
    return max(0.0, 1.0 - float(modal.sum()) / max(1, int(amodal.sum())))


def flavour_named(name: str) -> Flavour:
    """ProblemError (BAD_PARAMETER) when there is no such flavour."""
    if name not in FLAVOURS:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER, f"There is no flavour “{name}”.", f"Allowed: {', '.join(FLAVOURS)}."
        )
    return FLAVOURS[name]


def coco_amodal(flavour: str, folder: Path, split: str = "val") -> CocoAmodal:
    """A flavour's data set in ``folder`` laid out as FLAVOURS says; ``split`` is train or val."""
    layout = flavour_named(flavour)
    return CocoAmodal(flavour, folder / layout.annotations[split], folder / layout.images[split])
