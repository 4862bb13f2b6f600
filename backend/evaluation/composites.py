"""Occlusion cases pasted together from photos: cut-outs with their own alpha on real photos, each truth exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.datasets.cutouts import read_cutout
from backend.datasets.files import fault, picture
from backend.evaluation.cases import RATES, SMALLEST, Case
from backend.imaging.boxes import Box, box_of
from backend.imaging.clicks import Random, middle
from backend.imaging.crops import put_back
from backend.imaging.scaling import resized

SIZE = (480, 640)  # height, width of the pictures
_ENLARGED = 2.0  # at most
_TRIES = 60  # places for one pair of cut-outs, before another pair is taken
_MATCH = 0.35  # how far a cut-out's brightness goes towards its surroundings'
_SHADOW = 0.4  # how dark a shadow is at most


@dataclass(frozen=True, eq=False)
class _Pasted:
    """A cut-out in the picture's place: ``rgb`` float32 H x W x 3 (0 to 255), ``alpha`` float32 H x W (0 to 1)."""

    rgb: np.ndarray
    alpha: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        return self.alpha >= 0.5


def composites(cutouts: Sequence[Path], photos: Sequence[Path], seed: int, count: int) -> Iterator[Case]:
    """``count`` cases, the same for the same files and ``seed``: a cut-out (RGBA file) on a photo, 20 to 60 % hidden by
    another one, in half of them with a third behind. No pair comes twice while there are others.

    ProblemError (BAD_INPUT) naming the file that cannot be used, or saying how many are needed.
    """
    if len(cutouts) < 3 or not photos:
        raise fault(
            Path(cutouts[0]).parent if cutouts else Path("cutouts"),
            f"gives {len(cutouts)} cut-outs and {len(photos)} photos",
            "three cut-outs (RGBA pictures) and a photo at least",
        )
    random = np.random.default_rng(seed)
    pairs: set[tuple[int, int]] = set()
    made = 0
    while made < count:
        chosen = random.choice(len(cutouts), 3, replace=False)
        pair = int(chosen[0]), int(chosen[1])
        if pair in pairs and len(pairs) < len(cutouts) * (len(cutouts) - 1) // 2:
            continue
        pairs.add(pair)
        parts = [read_cutout(cutouts[index]) for index in chosen]
        case = _case(f"{made:04d}", random, parts, _background(random, photos[int(random.integers(len(photos)))]))
        if case is not None:
            made += 1
            yield case


def _background(random: Random, path: Path) -> np.ndarray:
    """float32 SIZE x 3: a part of the photo."""
    photo = np.array(picture(path).convert("RGB"))
    height, width = photo.shape[:2]
    largest = min(height / SIZE[0], width / SIZE[1])
    scale = largest * random.uniform(0.7, 1)
    part = max(1, int(SIZE[0] * scale)), max(1, int(SIZE[1] * scale))
    y, x = (int(random.integers(0, whole - side + 1)) for whole, side in zip((height, width), part, strict=True))
    found = resized(photo[y : y + part[0], x : x + part[1]], SIZE)
    return (found[:, ::-1] if random.random() < 0.5 else found).astype(np.float32)


def _case(name: str, random: Random, parts: list[np.ndarray], ground: np.ndarray) -> Case | None:
    """The first of ``parts`` half hidden by the second; None where they do not fit so."""
    for _ in range(_TRIES):
        side = random.uniform(0.4, 0.7) * SIZE[0]
        place = np.array([random.uniform(0.3, 0.7) * SIZE[1], random.uniform(0.45, 0.68) * SIZE[0]])
        whole = _pasted(random, parts[0], side, place, ground)
        aside = random.uniform(0.25, 0.8) * side * np.array([random.choice([-1, 1]), random.uniform(-0.1, 0.35)])
        front = _pasted(random, parts[1], side * random.uniform(0.6, 1.1), place + aside, ground)
        if whole is None or front is None:
            continue
        hidden = float((whole.mask & front.mask).sum() / whole.mask.sum())
        if RATES[0] <= hidden <= RATES[1] and (whole.mask & ~front.mask).mean() >= SMALLEST:
            break
    else:
        return None
    layers = [whole, front]
    if random.random() < 0.5:
        beside = place + side * np.array([random.choice([-1.0, 1.0]) * random.uniform(0.5, 1), -0.1])
        behind = _pasted(random, parts[2], side * random.uniform(0.6, 1), beside, ground)
        layers = [behind, *layers] if behind is not None else layers
    image = ground
    for layer in layers:
        image = _over(_shadowed(image, layer), layer)
    grain = random.normal(0, random.uniform(0.5, 2.5), image.shape)
    modal = whole.mask & ~front.mask
    box, (x, y) = box_of(modal), middle(modal)
    own = np.dstack([whole.rgb, whole.alpha * 255]).round().clip(0, 255).astype(np.uint8)
    return Case(
        id=name,
        image=(image + grain).round().clip(0, 255).astype(np.uint8),
        modal=modal,
        amodal=whole.mask,
        box=(float(box.x0), float(box.y0), float(box.x1), float(box.y1)),
        point=(float(x), float(y)),
        occlusion_rate=hidden,
        front=front.mask,
        whole=own,
    )


def _pasted(random: Random, cutout: np.ndarray, side: float, place: np.ndarray, ground: np.ndarray) -> _Pasted | None:
    """``cutout`` with its longer side ``side`` pixels long around ``place`` (x, y); None where it would leave the
    picture by more than a little."""
    scale = min(side / max(cutout.shape[:2]), _ENLARGED)
    height, width = (max(8, round(each * scale)) for each in cutout.shape[:2])
    alpha = cutout[..., 3:].astype(np.float32) / 255
    # Colours weigh by their alpha when sizes change, or what lies under the transparent part would show at the edge.
    small = resized(np.concatenate([cutout[..., :3] * alpha, alpha], axis=2), (height, width))
    if random.random() < 0.5:
        small = small[:, ::-1]
    x, y = int(place[0] - width / 2), int(place[1] - height / 2)
    box = Box(x, y, x + width, y + height)
    if x < -0.15 * width or y < -0.1 * height or box.x1 > SIZE[1] + 0.15 * width or box.y1 > SIZE[0] + 0.1 * height:
        return None
    placed = put_back(np.ascontiguousarray(small), box, SIZE)
    shown = placed[..., 3]
    rgb = placed[..., :3] / np.maximum(shown, 1e-3)[..., None]
    if not (shown >= 0.5).any():
        return None
    around = cv2.dilate(shown, np.ones((31, 31), np.uint8)) > 0.5
    ratio = (ground[around].mean() + 20) / (rgb[shown >= 0.5].mean() + 20)
    return _Pasted(np.clip(rgb * np.clip(ratio**_MATCH, 0.7, 1.4), 0, 255), shown)


def _over(image: np.ndarray, layer: _Pasted) -> np.ndarray:
    return image + (layer.rgb - image) * layer.alpha[..., None]


def _shadowed(image: np.ndarray, layer: _Pasted) -> np.ndarray:
    """``image`` with the soft shadow of what stands on it: an ellipse under its lower edge."""
    box = box_of(layer.mask)
    shadow = np.zeros(SIZE, np.float32)
    centre = round((box.x0 + box.x1) / 2), round(box.y1 - 0.03 * box.height)
    axes = max(2, round(0.45 * box.width)), max(2, round(0.07 * box.height))
    cv2.ellipse(shadow, centre, axes, 0, 0, 360, 1.0, -1)
    shadow = cv2.GaussianBlur(shadow, (0, 0), max(2.0, 0.05 * box.width))
    return image * (1 - _SHADOW * shadow[..., None])
