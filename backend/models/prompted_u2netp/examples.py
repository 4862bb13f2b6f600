"""Examples to learn from: an object of a synthetic scene, a crop around it, and prompts that a person could give."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.datasets.cutouts import read_cutout
from backend.imaging.boxes import box_of
from backend.imaging.clicks import Random, next_click, somewhere
from backend.imaging.crops import crop
from backend.models.prompted_u2netp.prompts import prompt_maps
from backend.models.prompted_u2netp.textures import patterned
from backend.synthetic.pasting import Thing, paste_scene
from backend.synthetic.scene import PartlyHidden, Scene
from backend.synthetic.splits import seed_of
from backend.synthetic.turns import Turns
from backend.synthetic.worlds import Objects, make_scene

TURNS = Turns(per_scene=8, scenes=8)
_SMALLEST = 0.004  # visible share of the picture
_CLICKS = 4  # at most
_PATTERNED = 0.6  # of the examples
_PASTED = 0.5  # of the examples, where there are cut-outs
_GIVEN = 6  # cut-outs that a pasted scene may show beside the things of a synthetic one
_FOLLOWING = 0.5  # of the crops for points are around what was found before

Span = tuple[float, float, float, float]  # x0, y0, x1, y1


@dataclass(frozen=True, eq=False)
class Example:
    """``image`` uint8 S x S x 3 of the crop, ``prompts`` float32 5 x S x S, ``wanted`` bool S x S."""

    image: np.ndarray
    prompts: np.ndarray
    wanted: np.ndarray


@dataclass(frozen=True)
class World:
    """What examples show: scenes of at most ``side`` pixels with ``objects``, and, pasted together, the pictures
    ``cutouts`` (RGBA files)."""

    side: int
    objects: Objects
    cutouts: tuple[Path, ...] = ()


def make_example(split: str, seed: int, index: int, side: int, world: World) -> Example:
    """Example ``index`` of run ``seed``: the same for the same arguments. Scenes have sides of 0.6 to 1.0 of the
    world's, as pictures are more or less sharp."""
    random = np.random.default_rng([seed, index, 7])
    scenes = (_scene(seed_of(split, seed, number), world.side, world.objects) for number in TURNS.numbers(index))
    scene = next(each for each in scenes if _usable(each.instances))
    image, things = scene.image, scene.instances
    if world.cutouts and random.random() < _PASTED:
        pasted, others = _pasted(random, scene, world.cutouts)
        if _usable(others):
            image, things = pasted, others
    chosen = _chosen(random, _usable(things))
    return example_of(image, chosen.modal, [each.modal for each in things], random, side)


@functools.lru_cache(maxsize=TURNS.scenes)
def _scene(seed: int, largest: int, objects: Objects) -> Scene:
    share = np.random.default_rng([seed, 11]).uniform(0.6, 1)
    return make_scene(seed, round(share * largest), objects)


def _pasted(random: Random, scene: Scene, cutouts: Sequence[Path]) -> tuple[np.ndarray, list[Thing]]:
    """Some of the cut-outs and of the scene's things, pasted together anew."""
    given = [read_cutout(cutouts[int(pick)]) for pick in random.integers(0, len(cutouts), _GIVEN)]
    own = [crop(each.whole, box_of(each.amodal)) for each in scene.instances if each.amodal.any()]
    return paste_scene(random, given + own, [scene.background], len(scene.image))


def _usable(things: Sequence[PartlyHidden]) -> list[PartlyHidden]:
    return [each for each in things if each.modal.mean() > _SMALLEST]


def _chosen(random: Random, things: list[PartlyHidden]) -> PartlyHidden:
    """Partly hidden ones more often: they are what this network is for."""
    weights = np.array([2.5 if 0.1 < each.occlusion_rate < 0.8 else 1.0 for each in things])
    return things[int(random.choice(len(things), p=weights / weights.sum()))]


def example_of(
    image: np.ndarray, modal: np.ndarray, modals: Sequence[np.ndarray], random: Random, side: int
) -> Example:
    """A crop of ``image`` around what is visible of a thing in ``modal``, with prompts for it; ``modals`` (bool H x W
    each) are all things that the image shows."""
    kind = random.choice(["box", "box and points", "points"], p=[0.25, 0.35, 0.4])
    span, box = _crop(random, modal, kind != "points")
    image = cut(image, span, side, cv2.INTER_LINEAR)
    wanted = cut(modal.astype(np.float32), span, side, cv2.INTER_LINEAR) >= 0.5
    if not wanted.any():
        wanted[side // 2, side // 2] = True
    others = [cut(each.astype(np.float32), span, side, cv2.INTER_LINEAR) >= 0.5 for each in modals]
    if random.random() < _PATTERNED:
        image = patterned(random, image, others)
    if random.random() < 0.5:
        image, wanted = image[:, ::-1], wanted[:, ::-1]
        others = [each[:, ::-1] for each in others]
        box = (1 - box[2], box[1], 1 - box[0], box[3])
    last, points = None, []
    if kind != "box":
        points, last = _clicked(random, wanted, others, first=kind == "points" or random.random() < 0.75)
    told = prompt_maps(side, np.array(points, np.float64).reshape(-1, 3), box if kind != "points" else None, last)
    return Example(np.ascontiguousarray(_photographed(random, image)), told, np.ascontiguousarray(wanted))


def _crop(random: Random, modal: np.ndarray, boxed: bool) -> tuple[Span, Span]:
    """The crop (x0, y0, x1, y1 in pixels, perhaps beyond the picture) and the object's box in 0..1 of it."""
    rows, columns = np.nonzero(modal.any(axis=1))[0], np.nonzero(modal.any(axis=0))[0]
    x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    width, height = x1 - x0, y1 - y0
    # People draw boxes a little too large more often than too small.
    off = random.normal(0.01, 0.025, 4) * np.array([-width, -height, width, height])
    drawn = np.array([x0, y0, x1, y1]) + off
    if boxed:
        grown = random.uniform(0.12, 0.3) * max(width, height)
        span = drawn + np.array([-grown, -grown, grown, grown])
    elif random.random() < _FOLLOWING:
        # As inference goes after what it found, which may lack a part or hold one of a neighbour.
        found = np.array([x0, y0, x1, y1]) + random.normal(0, 0.12, 4) * np.array([width, height, width, height])
        grown = random.uniform(0.25, 0.55) * max(width, height)
        rows, columns = modal.shape
        limits = np.array([columns, rows, columns, rows])
        span = np.clip(found + np.array([-grown, -grown, grown, grown]), 0, limits)
    else:
        side = max(width, height) * np.exp(random.uniform(np.log(0.8), np.log(5)))
        cx = (x0 + x1) / 2 + random.uniform(-0.3, 0.3) * (side - width)
        cy = (y0 + y1) / 2 + random.uniform(-0.3, 0.3) * (side - height)
        # Pushed into the picture, as a crop around a click is.
        height, width = modal.shape
        half_x, half_y = min(side, width) / 2, min(side, height) / 2
        cx, cy = np.clip(cx, half_x, width - half_x), np.clip(cy, half_y, height - half_y)
        span = np.array([cx - half_x, cy - half_y, cx + half_x, cy + half_y])
    size = np.array([span[2] - span[0], span[3] - span[1]] * 2)
    box = (drawn - np.array([span[0], span[1], span[0], span[1]])) / size
    return _span(span), _span(np.clip(box, 0, 1))


def _span(numbers: np.ndarray) -> Span:
    return float(numbers[0]), float(numbers[1]), float(numbers[2]), float(numbers[3])


def cut(picture: np.ndarray, span: Span, side: int, way: int) -> np.ndarray:
    """``span`` of ``picture`` at ``side`` x ``side``; beyond the picture its border goes on, or nothing in masks."""
    x0, y0, x1, y1 = span
    scale_x, scale_y = (x1 - x0) / side, (y1 - y0) / side
    # Pixel centres to pixel centres.
    matrix = np.array([[scale_x, 0, x0 + scale_x / 2 - 0.5], [0, scale_y, y0 + scale_y / 2 - 0.5]])
    border = cv2.BORDER_REPLICATE if picture.ndim == 3 else cv2.BORDER_CONSTANT
    return cv2.warpAffine(picture, matrix, (side, side), flags=way | cv2.WARP_INVERSE_MAP, borderMode=border)


def _clicked(
    random: Random, wanted: np.ndarray, others: list[np.ndarray], first: bool
) -> tuple[list[tuple[float, float, int]], np.ndarray | None]:
    """Points, and the mask that the network might have given before the last of them."""
    side = len(wanted)
    points: list[tuple[float, float, int]] = []
    if first:
        x, y = somewhere(random, wanted)
        points.append(((x + 0.5) / side, (y + 0.5) / side, 1))
    last = None
    for _ in range(int(random.integers(0, _CLICKS))):
        last = _mistaken(random, wanted, others)
        click = next_click(last, wanted)
        if click is None:
            break
        points.append(((click[0] + 0.5) / side, (click[1] + 0.5) / side, click[2]))
    if last is None:
        return points, None
    soft = cv2.GaussianBlur(last.astype(np.float32), (0, 0), random.uniform(0.5, 2.5))
    return points, soft if random.random() < 0.85 else None


def _mistaken(random: Random, wanted: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """``wanted`` with faults such as networks make: a neighbour taken too, a part missing, a border off."""
    found = wanted.copy()
    side = len(wanted)
    if random.random() < 0.5 and others:
        found |= others[int(random.integers(len(others)))]
    if random.random() < 0.5:
        x, y = somewhere(random, wanted)
        axes = (int(side * random.uniform(0.05, 0.35)), int(side * random.uniform(0.05, 0.35)))
        hole = cv2.ellipse(np.zeros((side, side), np.uint8), (x, y), axes, random.uniform(0, 180), 0, 360, 1, -1)
        found &= hole == 0
    if random.random() < 0.4:
        x, y = random.integers(0, side, 2)
        radius = int(side * random.uniform(0.04, 0.2))
        found |= cv2.circle(np.zeros((side, side), np.uint8), (int(x), int(y)), radius, 1, -1) > 0
    if random.random() < 0.5:
        kernel = np.ones((int(random.integers(2, 8)),) * 2, np.uint8)
        change = cv2.erode if random.random() < 0.5 else cv2.dilate
        found = change(found.astype(np.uint8), kernel) > 0
    return found


def _photographed(random: Random, image: np.ndarray) -> np.ndarray:
    """What cameras do: exposure, white balance, contrast, blur, noise, compression."""
    picture = image.astype(np.float32) / 255
    picture = picture ** random.uniform(0.65, 1.5) * random.uniform(0.75, 1.2, 3).astype(np.float32)
    if random.random() < 0.2:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    if random.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.3, 1.4))
    picture = picture + random.normal(0, random.uniform(0, 0.04), picture.shape)
    out = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if random.random() < 0.5:
        packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(30, 95))])[1]
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return out
