"""CelebAMask, AFHQ-seg and ShapeNet-car-edge as pix2pix3D takes them: a zip of pictures with cameras, one of labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from backend.fields.cameras import from_numbers
from backend.imaging.drawings import ink_of
from protocol.values import Camera

from .files import fault, picture, read_colours, read_numbers
from .zips import PictureZip

AFHQ_CAT = ("background", "face", "ear", "mouth", "eyes", "whiskers")
CELEBAMASK = (
    *("background", "skin", "nose", "eyeglasses", "left eye", "right eye", "left brow", "right brow", "left ear"),
    *("right ear", "mouth", "upper lip", "lower lip", "hair", "hat", "earring", "necklace", "neck", "cloth"),
)
_CAMERA_NUMBERS = 25


class _Labels(msgspec.Struct):
    labels: list[tuple[str, list[float]]]


@dataclass(frozen=True, eq=False)
class LabelledView:
    """``image`` uint8 H x W x 3 and its ``camera``. ``labels`` are ids, uint16 H x W, or of a set of drawings the ink,
    uint8 H x W: 0 paper to 255 line, blurred as the published loader blurs it."""

    name: str
    image: np.ndarray
    labels: np.ndarray
    camera: Camera


class LabelledViews:
    """Pictures of one zip, with dataset.json, and their labels of another. They belong together by sorted order and
    not by name, as published.

    ``names`` are the labels' in the order of their ids; without names the labels are drawings, black on white.
    ProblemError (BAD_INPUT) names the zip, the entry and the field that are missing or wrong.
    """

    def __init__(self, images: Path, labels: Path, names: tuple[str, ...] = ()) -> None:
        self.names = names
        self._images, self._labels = PictureZip(images), PictureZip(labels)
        count = len(self._images.pictures)
        if not count or len(self._labels.pictures) != count:
            what = f"holds {len(self._labels.pictures)} pictures"
            raise fault(labels, what, f"one for each of the {count} in {images.name}: they are paired by their order")
        self._cameras = self._read_cameras()
        without = next((name for name in self._images.pictures if name not in self._cameras), None)
        if without is not None:
            raise fault(self._images.named("dataset.json"), f"has no camera for {without}", "one for every picture")

    def __len__(self) -> int:
        return len(self._images.pictures)

    @property
    def cameras(self) -> list[Camera]:
        """Those of all pictures, in their order."""
        return [self._cameras[name] for name in self._images.pictures]

    def __getitem__(self, index: int) -> LabelledView:
        name, label = self._images.pictures[index], self._labels.pictures[index]
        image = read_colours(self._images.named(name), content=self._images.read(name))
        size = (image.shape[0], image.shape[1])
        read = self._ids if self.names else self._ink
        return LabelledView(name, image, read(label, size), self._cameras[name])

    def _ids(self, name: str, size: tuple[int, int]) -> np.ndarray:
        path = self._labels.named(name)
        ids = read_numbers(path, size, self._labels.read(name))
        if ids.max() >= len(self.names):
            raise fault(path, f"has the label {ids.max()}", f"ids below {len(self.names)}")
        return ids

    def _ink(self, name: str, size: tuple[int, int]) -> np.ndarray:
        drawing = np.array(picture(self._labels.named(name), self._labels.read(name)).convert("L"))
        return ink_of(drawing, size)

    def _read_cameras(self) -> dict[str, Camera]:
        path = self._images.named("dataset.json")
        expected = f"{{“labels”: [[name, [{_CAMERA_NUMBERS} numbers]], …]}}, the cameras of the pictures"
        try:
            content = msgspec.json.decode(self._images.read("dataset.json"), type=_Labels)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise fault(path, f"is not as it should be: {error}", expected) from None
        cameras = {}
        for number, (name, numbers) in enumerate(content.labels):
            if len(numbers) != _CAMERA_NUMBERS:
                raise fault(path, f"has {len(numbers)} numbers in $.labels[{number}]", expected)
            cameras[name] = from_numbers(np.array(numbers))
        return cameras


def celebamask(folder: Path) -> LabelledViews:
    """CelebAMask: 512 x 512 faces with 19 labels."""
    return LabelledViews(folder / "celebamask_train.zip", folder / "celebamask_train_label.zip", CELEBAMASK)


def afhq_seg(folder: Path) -> LabelledViews:
    """AFHQ-v2 cats: 512 x 512 with 6 labels."""
    return LabelledViews(folder / "afhq_v2_train_cat_512.zip", folder / "afhqcat_seg_6c.zip", AFHQ_CAT)


def shapenet_car_edge(folder: Path) -> LabelledViews:
    """ShapeNet cars: 128 x 128 with contour drawings."""
    return LabelledViews(folder / "cars_128.zip", folder / "shapenet_car_contour.zip")
