"""KITTI (KINS_Video_Car) in EoRaS's layout: tracks of cars in pickles of run lengths, pictures of raw drives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .files import fault, list_pictures, read_bytes, read_colours
from .plain_pickle import load_plain
from .records import Track
from .regions import Rle, decode


class Kitti:
    """The folder with `car_data/` and `Kitti/`; an item is one object of one drive, from its first to its last frame.

    The visible masks are a tracker's, not ground truth. ``split`` is train, val or test. ProblemError (BAD_INPUT)
    names the file, and the entry, that is missing or wrong; the pickles run nothing (see plain_pickle).
    """

    def __init__(self, folder: Path, split: str = "test") -> None:
        self.folder = folder
        self._seen_path = folder / "car_data" / f"{split}_data.pkl"
        self._whole_path = folder / "car_data" / f"{split}_data_full_mask.pkl"
        self._seen = _tracks(self._seen_path)
        self._whole = _tracks(self._whole_path)
        self._items = [(video, number) for video, objects in self._seen.items() for number in objects]
        self._pictures: tuple[str, list[Path]] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Track:
        video, number = self._items[index]
        entries = self._seen[video][number]
        frames = sorted(entries)
        where = f"[{video!r}][{number}]"
        if frames != list(range(frames[0], frames[-1] + 1)):
            raise fault(self._seen_path, f"has gaps between the frames of {where}", "consecutive frames")
        pictures = self._drive(video)
        if frames[0] < 0 or frames[-1] >= len(pictures):
            what = f"has frame {frames[-1]} in {where}"
            raise fault(
                self._seen_path, what, f"0 to {len(pictures) - 1}, as there are pictures in {pictures[0].parent}"
            )
        images = [read_colours(pictures[frame]) for frame in frames]
        size = images[0].shape[:2]
        if any(image.shape != images[0].shape for image in images):
            raise fault(pictures[0].parent, "holds pictures of several sizes", "one size for a drive")
        modal = [self._mask(self._seen_path, entries, where, frame, "VM", size) for frame in frames]
        ignored = [self._mask(self._seen_path, entries, where, frame, "loss_mask", size) for frame in frames]
        whole = self._whole.get(video, {}).get(number)
        if whole is None:
            raise fault(self._whole_path, f"lacks {where}", f"every track of {self._seen_path.name}")
        amodal = np.stack([self._mask(self._whole_path, whole, where, frame, "FM", size) for frame in frames])
        matrix = self._calibration(video)
        return Track(
            video,
            number,
            tuple(frames),
            np.stack(images),
            np.stack(modal),
            amodal,
            np.any(amodal, axis=(1, 2)),
            ~np.stack(ignored),
            np.stack([self._box(entries, where, frame) for frame in frames]),
            np.repeat(matrix[None], len(frames), axis=0),
            (),
        )

    def _mask(
        self, path: Path, entries: dict[int, Any], where: str, frame: int, field: str, size: tuple[int, int]
    ) -> np.ndarray:
        place = f"{where}[{frame}][{field!r}]"
        entry = entries.get(frame)
        region = entry.get(field) if isinstance(entry, dict) else None
        if not isinstance(region, dict) or not {"size", "counts"} <= region.keys():
            raise fault(path, f"lacks {place}", "COCO run lengths, a dict of size and counts")
        counts, shape = region["counts"], np.asarray(region["size"])
        counts = counts.decode("latin1") if isinstance(counts, bytes) else counts
        if not isinstance(counts, str) or shape.shape != (2,) or shape.dtype.kind not in "iu":
            raise fault(path, f"has something else than run lengths in {place}", "size [H, W] and compressed counts")
        return decode(Rle((int(shape[0]), int(shape[1])), counts), size, path, place)

    def _box(self, entries: dict[int, Any], where: str, frame: int) -> np.ndarray:
        """From the file's [row_min, row_max, column_min, column_max] to the order of Track."""
        box = np.asarray(entries[frame].get("VM_bbox"))
        if box.shape != (4,) or box.dtype.kind not in "iu":
            place = f"{where}[{frame}]['VM_bbox']"
            raise fault(self._seen_path, f"lacks {place}", "four integers: row_min, row_max, column_min, column_max")
        return box[[0, 2, 1, 3]].astype(np.int32)

    def _drive(self, video: str) -> list[Path]:
        """The drive's pictures in the order of their numbers. A drive's tracks follow each other, so one is kept."""
        if self._pictures is None or self._pictures[0] != video:
            folder = self.folder / "Kitti" / "raw_video" / "_".join(video.split("_")[:3]) / video
            pictures = list_pictures(folder)
            odd = next((path for path in pictures if not path.stem.isdecimal()), None)
            if odd is not None:
                raise fault(odd, "has a name that is no number", "pictures named by their frame's number")
            self._pictures = (video, sorted(pictures, key=lambda path: int(path.stem)))
        return self._pictures[1]

    def _calibration(self, video: str) -> np.ndarray:
        """float32 3 x 3 in pixels, from P2 of the drive's day. Its skew and offsets are left away, as published."""
        path = self.folder / "Kitti" / "calib" / f"{int(video[8:10])}.txt"
        expected = "KITTI's calibration, in its third line P2: and 12 numbers"
        lines = read_bytes(path, expected).decode("utf-8", "replace").splitlines()
        try:
            name, *numbers = lines[2].split()
            second = np.array(numbers, np.float32).reshape(3, 4)
        except (IndexError, ValueError):
            raise fault(path, "has no P2 in its third line", expected) from None
        if name != "P2:":
            raise fault(path, f"has {name} in its third line", expected)
        return np.array([[second[0, 0], 0, second[0, 2]], [0, second[1, 1], second[1, 2]], [0, 0, 1]], np.float32)


def _tracks(path: Path) -> dict[str, dict[int, dict[int, Any]]]:
    """What both pickles are: a dict of drives, of objects, of frames."""
    content = load_plain(path)
    expected = "a dict of drives' names (2011_09_26_…), each a dict of objects' numbers, each a dict of frames' numbers"
    if not isinstance(content, dict):
        raise fault(path, "holds something else", expected)
    for video, objects in content.items():
        # The name becomes part of a path.
        if not isinstance(video, str) or Path(video).name != video or not video[8:10].isdecimal():
            raise fault(path, f"has a drive {video!r}", expected)
        if not isinstance(objects, dict):
            raise fault(path, f"has something else in [{video!r}]", expected)
        for number, frames in objects.items():
            tracked = isinstance(number, int) and isinstance(frames, dict) and bool(frames)
            if not tracked or not all(isinstance(frame, int) for frame in frames):
                raise fault(path, f"has something else in [{video!r}][{number!r}]", expected)
    return content
