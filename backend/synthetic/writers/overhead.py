"""A video's objects from above, from what its own camera knows of them.

EoRaS's MOVi layout has a second camera overhead. Its pictures never reach the published network, but its loader reads
them. They are made here from each whole object's depth: the side that faced the camera, seen from above.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from backend.fields.cameras import project
from backend.synthetic.scene import Instance, Scene, Video
from protocol.values import Camera

_ROOM = 1.15  # how much wider than the objects the view is
_GROUND = np.array([96, 96, 96, 255], np.uint8)
_SPREAD = np.array([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)])  # a point covers 3 x 3 pixels
_GAP = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))  # what remains between points seen from the side is closed


@dataclass(frozen=True, eq=False)
class View:
    """A frame from above: ``image`` uint8 H x W x 4; ``masks`` the whole area of each instance by id, bool H x W."""

    image: np.ndarray
    masks: dict[int, np.ndarray]


def overhead_camera(video: Video) -> Camera:
    """A camera looking straight down on all objects of all frames, with the video's own lens, +Z towards the bottom."""
    points = np.concatenate([_points(frame, one)[0] for frame in video.frames for one in frame.instances])
    low, high = points.min(axis=0), points.max(axis=0)
    lens = video.frames[0].camera.intrinsics
    away = _ROOM * max((high[0] - low[0]) * lens[0, 0], (high[2] - low[2]) * lens[1, 1], 1e-3)
    pose = np.eye(4, dtype=np.float32)
    pose[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    pose[:3, 3] = [(low[0] + high[0]) / 2, high[1] + away, (low[2] + high[2]) / 2]
    return Camera(pose, lens)


def seen_from(camera: Camera, frame: Scene) -> View:
    """``frame`` from ``camera``, at the frame's own size."""
    image = np.broadcast_to(_GROUND, (*frame.size, 4)).copy()
    nearest = np.full(frame.size, np.inf)
    masks = {}
    for instance in frame.instances:
        points, colours = _points(frame, instance)
        depth, colour = _splat(project(camera, points), colours, frame.size)
        masks[instance.id] = np.isfinite(depth)
        closer = depth < nearest
        nearest[closer], image[closer, :3] = depth[closer], colour[closer]
    return View(image, masks)


def _points(frame: Scene, instance: Instance) -> tuple[np.ndarray, np.ndarray]:
    """float64 n x 3 in the world and uint8 n x 3: the whole object's pixels where they are in space."""
    rows, columns = np.nonzero(np.isfinite(instance.depth))
    height, width = frame.size
    flat = np.stack([(columns + 0.5) / width, (rows + 0.5) / height, np.ones(len(rows))])
    rays = np.linalg.inv(frame.camera.intrinsics.astype(np.float64)) @ flat
    local = rays * instance.depth[rows, columns] * [[1], [-1], [-1]]
    pose = frame.camera.cam2world.astype(np.float64)
    return (pose[:3, :3] @ local + pose[:3, 3:]).T, instance.whole[rows, columns, :3]


def _splat(projected: np.ndarray, colours: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """float64 H x W nearest depth, infinite where there is no point, and its uint8 H x W x 3 colour."""
    height, width = size
    depth, colour = np.full(size, np.inf), np.zeros((*size, 3), np.uint8)
    centre = np.floor(projected[:, 1::-1] * [height, width]).astype(int)
    pixels = (centre[:, None] + _SPREAD).reshape(-1, 2)
    source = np.repeat(np.arange(len(projected)), len(_SPREAD))
    inside = ((pixels >= 0) & (pixels < size)).all(axis=1) & (projected[source, 2] > 0)
    pixels, source = pixels[inside], source[inside]
    # Written far to near: of several values for one pixel the last one stays.
    order = np.argsort(-projected[source, 2], kind="stable")
    (rows, columns), source = pixels[order].T, source[order]
    depth[rows, columns], colour[rows, columns] = projected[source, 2], colours[source]
    covered = np.isfinite(depth)
    gaps = cv2.morphologyEx(covered.astype(np.uint8), cv2.MORPH_CLOSE, _GAP).astype(bool) & ~covered
    nearest = distance_transform_edt(~covered, return_distances=False, return_indices=True)
    assert nearest is not None
    depth[gaps], colour[gaps] = depth[tuple(nearest)][gaps], colour[tuple(nearest)][gaps]
    return depth, colour
