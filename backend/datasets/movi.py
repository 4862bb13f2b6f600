"""MOVi-B and MOVi-D in EoRaS's layout: a folder for each video, with whole masks and a second camera overhead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from .axes import from_kubric
from .files import fault, read_bytes, read_colours, read_depth, read_json, read_numbers
from .records import Track

_EXPECTED = "Kubric's metadata with metadata, camera and instances"
_Numbers = tuple[float, float, float]


class _Size(msgspec.Struct):
    num_frames: int
    height: int
    width: int


class _Camera(msgspec.Struct):
    K: tuple[_Numbers, _Numbers, _Numbers]
    positions: list[_Numbers]
    quaternions: list[tuple[float, float, float, float]]


class _Instance(msgspec.Struct):
    bboxes: list[tuple[float, float, float, float]]
    bbox_frames: list[int]


class _Video(msgspec.Struct):
    metadata: _Size
    camera: _Camera
    instances: list[_Instance]


@dataclass(frozen=True, eq=False)
class Overhead:
    """What the second camera saw in a track's T frames: ``images`` uint8 T x H x W x 3, ``amodal`` bool T x H x W,
    ``boxes`` int32 T x 4 as in Track, zeros where the object is out of its view."""

    images: np.ndarray
    amodal: np.ndarray
    boxes: np.ndarray


class Movi:
    """One split's folder (`train` or `test`); an item is one object through all frames in which it is visible.

    The order is that of `instance_list.npy`. ProblemError (BAD_INPUT) names the file, and the field, that is missing
    or wrong.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._items = [self._split(name) for name in _names(folder / "instance_list.npy")]
        self._video: tuple[str, _Video] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Track:
        name, number = self._items[index]
        video, instance = self._instance(index)
        size, frames = (video.metadata.height, video.metadata.width), instance.bbox_frames
        matrix = np.array(video.camera.K)
        poses = zip(video.camera.positions, video.camera.quaternions, strict=True)
        cameras = [from_kubric(np.array(place), np.array(turn), matrix) for place, turn in poses]
        amodal = self._masks(index, f"segmentation_{number}")
        return Track(
            name,
            number,
            tuple(frames),
            np.stack([read_colours(self._frame(name, "rgba_full", frame), size) for frame in frames]),
            self._masks(index, "segmentation_full"),
            amodal,
            np.ones(len(frames), bool),
            np.ones(amodal.shape, bool),
            _in_pixels(instance.bboxes, size),
            np.repeat(matrix[None].astype(np.float32), len(frames), axis=0),
            tuple(cameras[frame] for frame in frames),
        )

    def depth(self, index: int) -> np.ndarray:
        """float32 T x H x W of item ``index``, which the published network never reads."""
        name, _ = self._items[index]
        video, instance = self._instance(index)
        size = (video.metadata.height, video.metadata.width)
        frames = instance.bbox_frames
        return np.stack([read_depth(self._frame(name, "depth_full", frame, "tiff"), size) for frame in frames])

    def overhead(self, index: int) -> Overhead:
        """The second camera's view of item ``index``, which the published network never reads."""
        name, number = self._items[index]
        video, instance = self._instance(index)
        size, frames = (video.metadata.height, video.metadata.width), instance.bbox_frames
        path = self.folder / name / "metadata_bev.json"
        seen = read_json(path, _Video, _EXPECTED).instances
        if number >= len(seen) or len(seen[number].bboxes) <= max(frames):
            raise fault(path, f"lacks boxes of object {number} in $.instances", "one in bboxes for every frame")
        images = [read_colours(self._frame(name, "rgba_bev_full", frame), size) for frame in frames]
        boxes = _in_pixels([seen[number].bboxes[frame] for frame in frames], size)
        return Overhead(np.stack(images), self._masks(index, f"segmentation_bev_{number}"), boxes)

    def _masks(self, index: int, stem: str) -> np.ndarray:
        name, number = self._items[index]
        video, instance = self._instance(index)
        size = (video.metadata.height, video.metadata.width)
        paths = [self._frame(name, stem, frame) for frame in instance.bbox_frames]
        return np.stack([read_numbers(path, size) == number + 1 for path in paths])

    def _frame(self, video: str, stem: str, frame: int, ending: str = "png") -> Path:
        return self.folder / video / f"{stem}_{frame:05d}.{ending}"

    def _split(self, name: str) -> tuple[str, int]:
        video, dash, number = name.partition("-")
        if not (video and dash and number.isdecimal()) or Path(video).name != video:
            expected = "names VIDEO-OBJECT with one dash and the object's number"
            raise fault(self.folder / "instance_list.npy", f"holds {name!r}", expected)
        return video, int(number)

    def _instance(self, index: int) -> tuple[_Video, _Instance]:
        name, number = self._items[index]
        path = self.folder / name / "metadata.json"
        # Items of one video follow each other.
        if self._video is None or self._video[0] != name:
            self._video = (name, read_json(path, _Video, _EXPECTED))
        video = self._video[1]
        if number >= len(video.instances):
            what = f"has {len(video.instances)} $.instances"
            raise fault(path, what, f"at least {number + 1}, as instance_list.npy names {name}-{number}")
        instance, count = video.instances[number], video.metadata.num_frames
        if len(video.camera.positions) != count or len(video.camera.quaternions) != count:
            raise fault(path, "has other than num_frames $.camera.positions or quaternions", f"{count} of each")
        if not instance.bbox_frames or len(instance.bboxes) != len(instance.bbox_frames):
            what = f"has {len(instance.bboxes)} bboxes for {len(instance.bbox_frames)} bbox_frames"
            raise fault(
                path, f"{what} in $.instances[{number}]", "one box for every frame with the object, at least one"
            )
        if not 0 <= min(instance.bbox_frames) <= max(instance.bbox_frames) < count:
            raise fault(path, f"has bbox_frames beyond the video in $.instances[{number}]", f"numbers below {count}")
        return video, instance


def _names(path: Path) -> list[str]:
    expected = "a one-dimensional numpy array of texts VIDEO-OBJECT"
    read_bytes(path, expected)
    try:
        names = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise fault(path, f"cannot be read: {error}", expected) from None
    if not isinstance(names, np.ndarray) or names.ndim != 1 or names.dtype.kind != "U":
        raise fault(path, "holds something else", expected)
    return names.tolist()


def _in_pixels(boxes: list[tuple[float, float, float, float]], size: tuple[int, int]) -> np.ndarray:
    """int32 T x 4 from shares of height and width: product first, then truncation, as the published loader does."""
    height, width = size
    return (np.array(boxes, np.float64) * [height, width, height, width]).astype(np.int32)
