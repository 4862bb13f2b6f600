"""Examples to learn from: an object of a synthetic scene behind what stands there and behind things of other scenes."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging.boxes import Box, box_of
from backend.imaging.clicks import Random
from backend.imaging.crops import crop, put_back
from backend.models.pix2gestalt.framing import frame_of, seen
from backend.models.pix2gestalt.pictures import squashed
from backend.synthetic.scene import Instance, Scene
from backend.synthetic.splits import seed_of
from backend.synthetic.turns import Turns
from backend.synthetic.worlds import Objects, make_scene

TURNS = Turns(per_scene=96, scenes=16)
_SMALLEST = 0.004  # visible share of the scene
_MOST_HIDDEN = 0.75
_COVERED = 0.65  # of the examples get a further thing in front
_TRIES = 4
_LIGHTEST = 235  # of an object's colours, so that the threshold tells all of it from the white around it


@dataclass(frozen=True, eq=False)
class Example:
    """``image`` uint8 S x S x 3, ``mask`` uint8 S x S of 0 and 255, what is visible of the object in it, and ``whole``
    uint8 S x S x 3, all of the object on white."""

    image: np.ndarray
    mask: np.ndarray
    whole: np.ndarray


def make_example(split: str, seed: int, index: int, side: int, scene_side: int, objects: Objects) -> Example:
    """Example ``index`` of run ``seed``: the same for the same arguments."""
    random = np.random.default_rng([seed, index, 13])
    scenes = (_scene(seed_of(split, seed, number), scene_side, objects) for number in TURNS.numbers(index))
    scene, usable = next((each, found) for each in scenes if (found := _usable(each)))
    instance = usable[int(random.integers(len(usable)))]
    image, modal = scene.image, instance.modal
    if random.random() < _COVERED:
        other = TURNS.first_of_turn(index) + int(random.integers(TURNS.scenes))
        image, modal = _covered(random, image, instance, _scene(seed_of(split, seed, other), scene_side, objects))
    return _varied(random, framed(image, modal, instance.whole, side))


def framed(image: np.ndarray, modal: np.ndarray, whole: np.ndarray, side: int) -> Example:
    """What the network is told of the object visible in ``modal`` (bool H x W), and what it should make of it:
    ``whole`` uint8 H x W x 4 is the object alone."""
    frame = frame_of(modal)
    part = crop(whole, frame).astype(np.float32)
    alpha = part[..., 3:] / 255
    white = np.minimum(part[..., :3], _LIGHTEST) * alpha + 255 * (1 - alpha)
    return Example(*seen(image, modal, frame, side), squashed((white + 0.5).astype(np.uint8), side))


@functools.lru_cache(maxsize=TURNS.scenes + 2)
def _scene(seed: int, side: int, objects: Objects) -> Scene:
    return make_scene(seed, side, objects)


def _usable(scene: Scene) -> list[Instance]:
    return [each for each in scene.instances if each.modal.mean() > _SMALLEST and each.occlusion_rate < _MOST_HIDDEN]


def _covered(random: Random, image: np.ndarray, instance: Instance, other: Scene) -> tuple[np.ndarray, np.ndarray]:
    """``image`` with a thing of ``other`` over a part of ``instance``, and what is still visible of that; as they were
    where nothing fits in a few tries."""
    things = [each for each in other.instances if each.occlusion_rate < 0.5 and each.amodal.mean() > 2 * _SMALLEST]
    for _ in range(_TRIES if things else 0):
        thing = things[int(random.integers(len(things)))].whole
        thing = crop(thing, box_of(thing[..., 3] > 127))
        place = box_of(instance.modal)
        scale = max(place.width, place.height) * random.uniform(0.4, 1.3) / max(thing.shape[:2])
        size = max(1, round(thing.shape[1] * scale)), max(1, round(thing.shape[0] * scale))
        thing = cv2.resize(thing, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        if random.random() < 0.5:
            thing = thing[:, ::-1]
        rows, columns = np.nonzero(instance.modal)
        pick = int(random.integers(len(rows)))
        x, y = (
            round(float(at) + size[axis] * random.uniform(-0.5, 0.5) - size[axis] / 2)
            for axis, at in enumerate((columns[pick], rows[pick]))
        )
        front = put_back(thing, Box(x, y, x + size[0], y + size[1]), image.shape[:2])
        modal = instance.modal & (front[..., 3] < 128)
        hidden = 1 - modal.sum() / instance.amodal.sum()
        if modal.mean() > _SMALLEST / 2 and instance.occlusion_rate + 0.03 < hidden < _MOST_HIDDEN:
            alpha = front[..., 3:].astype(np.float32) / 255
            mixed = front[..., :3] * alpha + image * (1 - alpha)
            return (mixed + 0.5).astype(np.uint8), modal
    return image, instance.modal


def _varied(random: Random, example: Example) -> Example:
    """Mirrored, or in another light."""
    image, mask, whole = example.image, example.mask, example.whole
    if random.random() < 0.5:
        image, mask, whole = (np.ascontiguousarray(each[:, ::-1]) for each in (image, mask, whole))
    light = random.uniform(0.7, 1.15) * random.uniform(0.85, 1.1, 3)
    order = random.permutation(3) if random.random() < 0.3 else np.arange(3)
    table = np.clip(np.arange(256)[:, None] * light, 0, 255)
    image = np.stack([table[image[..., channel], axis] for axis, channel in enumerate(order)], axis=-1)
    # White around the object stays white.
    share = np.clip((255 - whole.min(axis=2, keepdims=True).astype(np.float32)) / (255 - _LIGHTEST), 0, 1)
    lit = np.stack([table[whole[..., channel], axis] for axis, channel in enumerate(order)], axis=-1)
    whole = np.minimum(lit, _LIGHTEST) * share + 255 * (1 - share)
    return Example((image + 0.5).astype(np.uint8), mask, (whole + 0.5).clip(0, 255).astype(np.uint8))
