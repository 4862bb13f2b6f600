"""COCO panoptic: a PNG of segment ids for each picture (id = R + 256 G + 65536 B) and a JSON about the segments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from .files import fault, read_colours, read_json

_EXPECTED = "COCO's panoptic JSON with images, annotations and categories"


class _Image(msgspec.Struct):
    id: int
    file_name: str
    height: int
    width: int


class _Segment(msgspec.Struct):
    id: int
    category_id: int
    area: float
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0


class _Annotation(msgspec.Struct):
    image_id: int
    file_name: str
    segments_info: list[_Segment]


class _Category(msgspec.Struct):
    id: int
    name: str
    isthing: int


class _File(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True)
class Segment:
    """A segment as the JSON has it: ``id`` its colour in the PNG, ``area`` in pixels (which the evaluation takes from
    here and does not count again), ``box`` x, y, width, height."""

    id: int
    category_id: int
    category: str
    thing: bool
    crowd: bool
    area: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Panoptic:
    """``ids`` uint16 H x W: 0 is void and k the segment ``segments[k - 1]``."""

    ids: np.ndarray
    segments: tuple[Segment, ...]


@dataclass(frozen=True, eq=False)
class PanopticImage:
    """A picture (uint8 H x W x 3) and its panoptic map."""

    image_id: int
    file: str
    image: np.ndarray
    panoptic: Panoptic


class CocoPanoptic:
    """The pictures of ``images`` with the maps (PNG) of ``maps`` that the JSON ``annotations`` names.

    Pictures without segments, or with crowds alone, are left out, as the published loaders do. ProblemError
    (BAD_INPUT) names the file, and the field, that is missing or wrong.
    """

    def __init__(self, annotations: Path, maps: Path, images: Path) -> None:
        content = read_json(annotations, _File, _EXPECTED)
        self.file, self.maps, self.images = annotations, maps, images
        self.categories = {category.id: category.name for category in content.categories}
        self._things = {category.id for category in content.categories if category.isthing}
        by_id = {image.id: image for image in content.images}
        self._items: list[tuple[_Image, _Annotation]] = []
        for number, annotation in enumerate(content.annotations):
            if annotation.image_id not in by_id:
                what = f"has no image {annotation.image_id} for $.annotations[{number}].image_id"
                raise fault(annotations, what, "an entry in images for every annotation")
            unknown = {segment.category_id for segment in annotation.segments_info} - self.categories.keys()
            if unknown:
                what = f"has no category {min(unknown)} for $.annotations[{number}].segments_info"
                raise fault(annotations, what, "an entry in categories for every category_id")
            if not all(segment.iscrowd for segment in annotation.segments_info):
                self._items.append((by_id[annotation.image_id], annotation))

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> PanopticImage:
        image, _ = self._items[index]
        pixels = read_colours(self.images / image.file_name, (image.height, image.width))
        return PanopticImage(image.id, image.file_name, pixels, self.panoptic(index))

    def panoptic(self, index: int) -> Panoptic:
        """The map of picture ``index`` alone, which needs no picture."""
        image, annotation = self._items[index]
        path = self.maps / annotation.file_name
        red, green, blue = np.moveaxis(read_colours(path, (image.height, image.width)).astype(np.int32), 2, 0)
        colours, places = np.unique(red + 256 * green + 65536 * blue, return_inverse=True)
        number_of = {segment.id: number for number, segment in enumerate(annotation.segments_info, 1)}
        if set(number_of) != set(colours.tolist()) - {0}:
            odd = min(set(number_of) ^ (set(colours.tolist()) - {0}))
            where = "its segments_info" if odd in number_of else "its pixels"
            raise fault(path, f"has the segment {odd} in {where} only", f"the ids that {self.file.name} lists for it")
        numbers = np.array([number_of.get(colour, 0) for colour in colours.tolist()], np.uint16)
        ids = numbers[places].reshape(red.shape)
        return Panoptic(ids, tuple(self._segment(segment) for segment in annotation.segments_info))

    def _segment(self, segment: _Segment) -> Segment:
        category = segment.category_id
        thing, crowd = category in self._things, bool(segment.iscrowd)
        return Segment(segment.id, category, self.categories[category], thing, crowd, segment.area, segment.bbox)


def coco_panoptic(folder: Path, split: str = "val") -> CocoPanoptic:
    """COCO as it is unpacked, `{split}2017/`, `annotations/panoptic_{split}2017/` and `….json`, from ``folder``."""
    name = f"panoptic_{split}2017"
    annotations = folder / "annotations"
    return CocoPanoptic(annotations / f"{name}.json", annotations / name, folder / f"{split}2017")
