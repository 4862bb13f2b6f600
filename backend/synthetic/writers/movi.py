"""EoRaS's MOVi layout: a folder for each video, and a list of its objects."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from backend.datasets.axes import to_kubric
from backend.imaging.boxes import box_of
from backend.synthetic.scene import Scene, Video
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera

from .output import json_bytes, png_bytes, something, tiff_bytes, write_bytes
from .overhead import overhead_camera, seen_from

_FOLDERS = {"train": "train", "val": "test"}  # the data set has no validation part of its own
_SENSOR_MM = 32.0
_FLOW = {"min": 0.0, "max": 0.0}  # loaders want the ranges to be there; flow itself they never read
_COLOURS = bytes(number * step % 256 for number in range(256) for step in (67, 131, 199))


def write(videos: Iterable[Video], folder: Path, split: str = "val") -> None:
    """`train/` or, for ``split`` val, `test/` in ``folder``, as `backend.datasets.movi` reads it; without flow.

    The object k of a video is the one with the k-th smallest id of all its frames, k from 0 on. The views from above
    are made as `overhead` says. ProblemError (BAD_INPUT) for over 255 objects or a lens that changes.
    """
    root = folder / _FOLDERS[split]
    names: list[str] = []
    for number, video in enumerate(videos):
        names += [f"{number}-{k}" for k in _write_video(video, root / str(number))]
    something(len(names), "visible object")
    content = io.BytesIO()
    np.save(content, np.array(names), allow_pickle=False)
    write_bytes(root / "instance_list.npy", content.getvalue())


def _write_video(video: Video, folder: Path) -> list[int]:
    """Write one video and say which of its objects are visible at some time."""
    ids = sorted({instance.id for frame in video.frames for instance in frame.instances})
    if not 1 <= len(ids) <= 255:
        raise ProblemError(ErrorCode.BAD_INPUT, f"A video has {len(ids)} objects.", "This format holds 1 to 255.")
    first = video.frames[0].camera.intrinsics
    if any(not np.allclose(frame.camera.intrinsics, first) for frame in video.frames):
        raise ProblemError(ErrorCode.BAD_INPUT, "A video's lens changes.", "This format holds one for a video.")
    camera = overhead_camera(video)
    seen: list[dict[int, list[float]]] = []
    above: list[dict[int, list[float]]] = []
    for number, frame in enumerate(video.frames):
        amodal = {instance.id: instance.amodal for instance in frame.instances}
        view = seen_from(camera, frame)
        _write_frame(folder, number, frame, ids)
        write_bytes(folder / f"rgba_bev_full_{number:05d}.png", png_bytes(view.image))
        for k, each in enumerate(ids):
            for stem, masks in (("segmentation", amodal), ("segmentation_bev", view.masks)):
                marked = np.where(masks.get(each, np.zeros(frame.size, bool)), np.uint8(k + 1), np.uint8(0))
                write_bytes(folder / f"{stem}_{k}_{number:05d}.png", png_bytes(marked, _COLOURS))
        seen.append({one.id: _shares(one.modal) for one in frame.instances if one.modal.any()})
        above.append({each: _shares(mask) for each, mask in view.masks.items() if mask.any()})
    poses = [frame.camera for frame in video.frames]
    for file, boxes, cameras, every in (
        ("metadata.json", seen, poses, False),
        ("metadata_bev.json", above, [camera] * len(poses), True),
    ):
        instances = [_instance(boxes, each, every) for each in ids]
        size = {"num_frames": len(poses), "height": video.frames[0].size[0], "width": video.frames[0].size[1]}
        content = {"metadata": size, "camera": _camera(cameras), "instances": instances}
        write_bytes(folder / file, json_bytes(content))
    write_bytes(folder / "data_ranges.json", json_bytes({"forward_flow": _FLOW, "backward_flow": _FLOW}))
    return [k for k, each in enumerate(ids) if any(each in frame for frame in seen)]


def _write_frame(folder: Path, number: int, frame: Scene, ids: list[int]) -> None:
    visible = np.zeros(frame.size, np.uint8)
    for instance in frame.instances:
        visible[instance.modal] = ids.index(instance.id) + 1
    opaque = np.dstack([frame.image, np.full(frame.size, 255, np.uint8)])
    write_bytes(folder / f"rgba_full_{number:05d}.png", png_bytes(opaque))
    write_bytes(folder / f"depth_full_{number:05d}.tiff", tiff_bytes(frame.depth))
    write_bytes(folder / f"segmentation_full_{number:05d}.png", png_bytes(visible, _COLOURS))


def _instance(boxes: list[dict[int, list[float]]], each: int, every: bool) -> dict[str, Any]:
    """An object's boxes: for the frames with it, or for ``every`` frame, zeros where it is out of view."""
    frames = [number for number, frame in enumerate(boxes) if each in frame]
    listed = [frame.get(each, [0.0] * 4) for frame in boxes] if every else [boxes[number][each] for number in frames]
    return {"bbox_frames": frames, "bboxes": listed, "bboxes_3d": []}


def _shares(mask: np.ndarray) -> list[float]:
    """[row_min, column_min, row_max, column_max] in shares of height and width, the ends one pixel further.

    Readers multiply and truncate, so a share is the smallest that comes back to its pixel.
    """
    box, (height, width) = box_of(mask), mask.shape
    return [_share(box.y0, height), _share(box.x0, width), _share(box.y1, height), _share(box.x1, width)]


def _share(pixel: int, side: int) -> float:
    share = pixel / side
    return share if int(side * share) == pixel else math.nextafter(share, 1)


def _camera(cameras: list[Camera]) -> dict[str, Any]:
    positions, quaternions, matrices = zip(*(to_kubric(camera) for camera in cameras), strict=True)
    focal = matrices[0][0][0]
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_quat(quaternions[0], scalar_first=True).as_matrix()
    pose[:3, 3] = positions[0]
    return {
        "K": matrices[0],
        "R": pose.tolist(),
        "focal_length": focal * _SENSOR_MM,
        "sensor_width": _SENSOR_MM,
        "field_of_view": 2 * math.atan(0.5 / focal),
        "positions": positions,
        "quaternions": quaternions,
    }
