"""COCO-A (COCO amodal): for each picture one annotation of regions, drawn whole and ordered front to back."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from .coco_amodal import hidden_share
from .files import fault, read_colours, read_json
from .records import AmodalImage, AmodalInstance
from .regions import Rle, decode


class _Image(msgspec.Struct):
    id: int
    file_name: str
    height: int
    width: int


class _Region(msgspec.Struct):
    segmentation: Rle | list[float]
    name: str = ""
    order: int = 0
    isStuff: int = 0
    visible_mask: Rle | None = None
    occlude_rate: float | None = None


class _Annotation(msgspec.Struct):
    image_id: int
    regions: list[_Region]


class _File(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]


class CocoA:
    """The annotated pictures of ``images``; a picture that several people annotated comes several times.

    Regions have free names and no category ids (0 here). A region without `visible_mask` is wholly visible. The id of
    an instance is its place in the annotation, from 1 on. ProblemError (BAD_INPUT) names what is missing or wrong.
    """

    def __init__(self, annotations: Path, images: Path) -> None:
        content = read_json(annotations, _File, "COCO-A's JSON with images and annotations of regions")
        self.file, self.images = annotations, images
        self._annotations = content.annotations
        self._images = {image.id: image for image in content.images}
        for number, annotation in enumerate(content.annotations):
            if annotation.image_id not in self._images:
                what = f"has no image {annotation.image_id} for $.annotations[{number}]"
                raise fault(annotations, what, "it in images")

    def __len__(self) -> int:
        return len(self._annotations)

    def __getitem__(self, index: int) -> AmodalImage:
        image = self._images[self._annotations[index].image_id]
        pixels = read_colours(self.images / image.file_name, (image.height, image.width))
        return AmodalImage(image.id, image.file_name, pixels, self.instances(index))

    def instances(self, index: int) -> tuple[AmodalInstance, ...]:
        """The regions of annotation ``index`` alone, which needs no picture; without those of which nothing is seen."""
        annotation = self._annotations[index]
        image = self._images[annotation.image_id]
        places = (f"$.annotations[{index}].regions[{number}]" for number in range(len(annotation.regions)))
        read = (
            self._instance(number, region, where, (image.height, image.width))
            for number, (region, where) in enumerate(zip(annotation.regions, places, strict=True), 1)
        )
        return tuple(instance for instance in read if instance.modal.any())

    def _instance(self, number: int, region: _Region, where: str, size: tuple[int, int]) -> AmodalInstance:
        whole = region.segmentation if isinstance(region.segmentation, Rle) else [region.segmentation]
        amodal = decode(whole, size, self.file, f"{where}.segmentation")
        if region.visible_mask is None:
            modal = amodal
        else:
            modal = decode(region.visible_mask, size, self.file, f"{where}.visible_mask")
        rows, columns = np.flatnonzero(amodal.any(axis=1)), np.flatnonzero(amodal.any(axis=0))
        box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else (0, 0, 0, 0)
        x0, y0, x1, y1 = (float(edge) for edge in box)
        rate = hidden_share(modal, amodal) if region.occlude_rate is None else region.occlude_rate
        return AmodalInstance(number, 0, region.name, modal, amodal, (x0, y0, x1, y1), rate, stuff=bool(region.isStuff))
