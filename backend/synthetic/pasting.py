"""Scenes pasted together from cut-outs: many things at once, lit each in its own way, with exact masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging.clicks import Random
from backend.synthetic.scene import PartlyHidden
from backend.synthetic.surroundings import dead_leaves

_COUNT = 3, 8  # of the things
_SIZES = 0.2, 0.75  # of a thing's longer side, of the picture's
_SHADOWED = 0.5  # of the things
_LEAVES = 0.4  # of the grounds are made, the others given
_BLANK = 160  # pixels of a made ground


@dataclass(frozen=True, eq=False)
class Thing(PartlyHidden):
    """What is visible of a thing and all of it (bool H x W each)."""

    modal: np.ndarray
    amodal: np.ndarray


def paste_scene(
    random: Random, cutouts: Sequence[np.ndarray], grounds: Sequence[np.ndarray], side: int
) -> tuple[np.ndarray, list[Thing]]:
    """A picture (uint8 side x side x 3) of some of ``cutouts`` (uint8 h x w x 4 each, straight alpha), turned, mirrored
    and recoloured, on one of ``grounds`` (uint8 h x w x 3) or on a made one, and its things, the nearest first."""
    image = _ground(random, grounds, side)
    wholes: list[np.ndarray] = []
    for _ in range(int(random.integers(*_COUNT))):
        layer = _placed(random, cutouts[int(random.integers(len(cutouts)))], side)
        alpha = layer[..., 3:] / 255
        if random.random() < _SHADOWED:
            image = image * (1 - random.uniform(0.1, 0.5) * _shadow(random, layer[..., 3])[..., None] / 255)
        image = layer[..., :3] * alpha + image * (1 - alpha)
        wholes.append(layer[..., 3] >= 128)
    things, covered = [], np.zeros((side, side), bool)
    for amodal in reversed(wholes):
        things.append(Thing(amodal & ~covered, amodal))
        covered |= amodal
    return (image + 0.5).clip(0, 255).astype(np.uint8), things


def _ground(random: Random, grounds: Sequence[np.ndarray], side: int) -> np.ndarray:
    """float32 side x side x 3."""
    if not grounds or random.random() < _LEAVES:
        return cv2.resize(dead_leaves(random, _BLANK) * 255, (side, side), interpolation=cv2.INTER_LINEAR)
    chosen = grounds[int(random.integers(len(grounds)))]
    return cv2.resize(chosen, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)


def _placed(random: Random, cutout: np.ndarray, side: int) -> np.ndarray:
    """``cutout`` somewhere in the picture: float32 side x side x 4, colours too where it is not."""
    height, width = cutout.shape[:2]
    scale = side * np.exp(random.uniform(*np.log(_SIZES))) / max(height, width)
    angle = random.normal(0, 15) if random.random() < 0.8 else random.uniform(0, 360)
    across = scale * (-1 if random.random() < 0.5 else 1)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    matrix = np.array([[across * cos, -scale * sin], [across * sin, scale * cos]])
    at = random.uniform(0.15, 0.85, 2) * side
    moved = np.column_stack([matrix, at - matrix @ (np.array([width, height]) / 2)])
    # Colours weigh by their alpha when sizes change, or what lies under the transparent part would show at the edge.
    alpha = cutout[..., 3:].astype(np.float32)
    weighed = np.concatenate([cutout[..., :3] * (alpha / 255), alpha], axis=2)
    if scale < 0.5:
        weighed = cv2.GaussianBlur(weighed, (0, 0), 0.35 / scale)
    layer = cv2.warpAffine(weighed, moved, (side, side), flags=cv2.INTER_LINEAR)
    colours = layer[..., :3] / np.maximum(layer[..., 3:], 1) * 255
    return np.concatenate([_recoloured(random, colours), layer[..., 3:]], axis=2)


def _recoloured(random: Random, colours: np.ndarray) -> np.ndarray:
    """Colours (float32, 0 to 255) in another light, sometimes paler or of other hues."""
    if random.random() < 0.3:
        colours = colours[..., random.permutation(3)]
    if random.random() < 0.5:
        grey = colours.mean(axis=-1, keepdims=True)
        colours = grey + (colours - grey) * random.uniform(0, 0.8)
    lit = (colours.clip(0, 255) / 255) ** random.uniform(0.6, 1.8)
    return lit * 255 * random.uniform(0.5, 1.1, 3).astype(np.float32)


def _shadow(random: Random, alpha: np.ndarray) -> np.ndarray:
    """The blurred alpha a little aside (float32 H x W, 0 to 255)."""
    side = len(alpha)
    x, y = random.normal(0, 0.025 * side), random.uniform(0, 0.04) * side
    aside = cv2.warpAffine(alpha, np.array([[1, 0, x], [0, 1, y]]), (side, side))
    return cv2.GaussianBlur(aside, (0, 0), side * random.uniform(0.008, 0.04))
