"""EoRaS's KITTI layout: tracks in pickles of plain values, pictures and calibrations as in KITTI's raw drives."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from backend.datasets.regions import encode
from backend.imaging.boxes import box_of
from backend.synthetic.scene import Video
from protocol.problems import ErrorCode, ProblemError

from .output import png_bytes, something, write_bytes

# A drive's day names its calibration. KITTI has the first five.
_DAYS = (26, 28, 29, 30, 3, *(day for day in range(1, 32) if day not in (26, 28, 29, 30, 3)))
_PROTOCOL = 4

Tracks = dict[str, dict[int, dict[int, dict[str, Any]]]]


def write(videos: Iterable[Video], folder: Path, split: str = "val") -> None:
    """`car_data/{split}_*.pkl` and `Kitti/` in ``folder``, as `backend.datasets.kitti` reads them.

    An object of a drive is one run of consecutive frames in which an instance is visible, numbered from 1 on by
    instance and time. `loss_mask` marks what may hide it: the visible part of all others. ProblemError (BAD_INPUT) for
    more lenses than days of a month, as the layout tells cameras apart by the day, or a lens that changes in a video.
    """
    seen: Tracks = {}
    whole: Tracks = {}
    calibrations: list[str] = []
    for number, video in enumerate(videos, 1):
        calibration = _calibration(video)
        if calibration not in calibrations:
            if len(calibrations) == len(_DAYS):
                what = f"The videos have over {len(_DAYS)} different lenses."
                raise ProblemError(ErrorCode.BAD_INPUT, what, "Write fewer into one folder, or another format: movi.")
            calibrations.append(calibration)
        day = _DAYS[calibrations.index(calibration)]
        date = f"2011_10_{day:02d}"
        name = f"{date}_drive_{number:04d}_sync"
        for frame, scene in enumerate(video.frames):
            path = folder / "Kitti" / "raw_video" / date / name / f"{frame:010d}.png"
            write_bytes(path, png_bytes(scene.image))
        seen[name], whole[name] = _tracks(video)
    something(sum(map(len, seen.values())), "visible object")
    for day, calibration in zip(_DAYS, calibrations, strict=False):
        write_bytes(folder / "Kitti" / "calib" / f"{day}.txt", calibration.encode("ascii"))
    matching: dict[str, Any] = {}  # loaders want it to be there and do not use it
    for suffix, content in (("data", seen), ("data_full_mask", whole), ("Kins_Kitti_file_matching", matching)):
        write_bytes(folder / "car_data" / f"{split}_{suffix}.pkl", pickle.dumps(content, _PROTOCOL))


def _tracks(video: Video) -> tuple[dict[int, Any], dict[int, Any]]:
    """What the two pickles hold of one drive."""
    seen: dict[int, Any] = {}
    whole: dict[int, Any] = {}
    for each in sorted({instance.id for scene in video.frames for instance in scene.instances}):
        before = -2
        for frame, scene in enumerate(video.frames):
            instance = next((one for one in scene.instances if one.id == each and one.modal.any()), None)
            if instance is None:
                continue
            if frame != before + 1:
                seen[len(seen) + 1], whole[len(whole) + 1] = {}, {}
            before = frame
            box = box_of(instance.modal)
            others = (scene.panoptic > 0) & ~instance.modal
            seen[len(seen)][frame] = {
                "VM": _runs(instance.modal),
                "VM_bbox": [box.y0, box.y1 - 1, box.x0, box.x1 - 1],
                "loss_mask": _runs(others),
            }
            whole[len(whole)][frame] = {"FM": _runs(instance.amodal)}
    return seen, whole


def _runs(mask: np.ndarray) -> dict[str, Any]:
    region = encode(mask)
    assert isinstance(region.counts, str)
    return {"size": list(region.size), "counts": region.counts.encode("ascii")}


def _calibration(video: Video) -> str:
    """KITTI's text: the four cameras' projections in pixels, the rectification and the transforms, here none."""
    first = video.frames[0]
    if any(not np.allclose(frame.camera.intrinsics, first.camera.intrinsics) for frame in video.frames):
        raise ProblemError(ErrorCode.BAD_INPUT, "A video's lens changes.", "This format holds one for a video.")
    height, width = first.size
    matrix = np.zeros((3, 4))
    matrix[:, :3] = first.camera.intrinsics * np.array([[width], [height], [1]])
    rigid = np.eye(3, 4)
    rows = {f"P{number}": matrix for number in range(4)}
    rows |= {"R0_rect": np.eye(3), "Tr_velo_to_cam": rigid, "Tr_imu_to_velo": rigid}
    return "".join(f"{name}: {' '.join(f'{entry:.12e}' for entry in row.ravel())}\n" for name, row in rows.items())
