"""Tiny scenes, videos and views made by hand: coloured ellipses before a wall, all of whose truth is known exactly."""

from __future__ import annotations

import numpy as np

from backend.fields.cameras import intrinsics, look_at, orbit
from backend.synthetic.scene import Instance, Scene, Video, Views
from protocol.values import Camera, Mesh

SIZE = (40, 56)
PART_NAMES = ("background", "body", "lid")
_COLOURS = ((220, 40, 30), (40, 180, 60), (50, 70, 220), (230, 200, 40))
_CATEGORIES = ("mug", "chair", "mug", "lamp")


def tiny_scene(seed: int, shift: float = 0.0, size: tuple[int, int] = SIZE, first_id: int = 1) -> Scene:
    """Up to four ellipses, the nearest first, the last with a hole; ``shift`` moves them to the right by pixels.

    Those that are wholly outside the picture are missing.
    """
    random = np.random.default_rng(seed)
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    image = random.integers(90, 130, (height, width, 3)).astype(np.uint8)
    panoptic, parts = np.zeros(size, np.uint16), np.zeros(size, np.uint16)
    depth, free = np.full(size, np.inf, np.float32), np.ones(size, bool)
    instances = []
    for number, colour in enumerate(_COLOURS):
        y, x = random.uniform(0.3, 0.7) * height, random.uniform(0.3, 0.7) * width + shift * (1 + number)
        tall, wide = random.uniform(0.15, 0.3) * height, random.uniform(0.15, 0.3) * width
        away = ((rows + 0.5 - y) / tall) ** 2 + ((columns + 0.5 - x) / wide) ** 2
        amodal = (away <= 1) & ((away > 0.1) | (number != len(_COLOURS) - 1))
        if not amodal.any():
            continue
        modal = amodal & free
        free &= ~amodal
        whole = np.where(amodal[..., None], np.array([*colour, 255], np.uint8), np.uint8(0))
        far = np.where(amodal, np.float32(2 + number), np.float32(np.inf))
        image[modal], depth[modal] = colour, far[modal]
        panoptic[modal], parts[modal] = first_id + number, np.where(rows[modal] < y, 2, 1)
        each = Instance(first_id + number, _CATEGORIES[number], f"tiny/{number}", modal, amodal, whole, far)
        instances.append(each)
    camera = Camera(look_at((1.0, 2.0, 5.0), (0.0, 0.5, 0.0)), intrinsics(40.0, width / height))
    normals = np.zeros((*size, 3), np.float32)
    normals[~free] = (0, 0, 1)
    return Scene(
        seed=seed,
        image=image,
        background=np.full_like(image, 110),
        normals=normals,
        instances=tuple(instances),
        panoptic=panoptic,
        parts=parts,
        part_names=PART_NAMES,
        depth=depth,
        camera=camera,
    )


def tiny_video(seed: int, frames: int = 5, size: tuple[int, int] = SIZE) -> Video:
    """The ellipses walk to the right, each faster than the one before it, and leave the picture."""
    return Video(seed, tuple(tiny_scene(seed, 4.0 * frame, size, first_id=3) for frame in range(frames)))


def tiny_views(seed: int, cameras: int = 3, size: int = 32) -> Views:
    """The nearest ellipse, the same from everywhere."""
    scene = tiny_scene(seed, size=(size, size))
    one = scene.instances[0]
    parts = np.where(one.amodal, scene.parts, np.uint16(0))
    return Views(
        seed,
        one.category,
        one.model,
        np.stack([one.whole] * cameras),
        np.stack([parts] * cameras),
        PART_NAMES,
        np.stack([one.depth] * cameras),
        np.stack([np.where(one.amodal[..., None], scene.normals, np.float32(0))] * cameras),
        tuple(orbit(360.0 * number / cameras, 15.0, 30.0) for number in range(cameras)),
        Mesh(
            np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]], np.float32),
            np.array([[0, 1, 2]], np.int32),
            np.full((3, 4), 200, np.uint8),
        ),
    )
