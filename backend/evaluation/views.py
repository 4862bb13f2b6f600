"""Do views of one thing agree? Pixels of two views that show the same point of its surface, and what they say there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from backend.fields.cameras import project, view_matrix
from protocol.values import Camera

NEAR = 0.01  # of the depth: how far apart two views' surfaces may be and still be the same


@dataclass(frozen=True)
class Shared:
    """What views ``first`` and ``second`` both show: ``pixels`` int K x 2 (x, y) of the first, ``places`` float32 K x 2
    where these points lie in the second, in pixels with (0, 0) at the middle of the first pixel."""

    first: int
    second: int
    pixels: np.ndarray
    places: np.ndarray


def shared_pixels(depths: np.ndarray, cameras: Sequence[Camera], near: float = NEAR) -> Iterator[Shared]:
    """Every ordered pair of views. ``depths`` float N x H x W along each camera's axis, infinite or 0 where nothing is.

    A point of the first view is shown by the second where the four pixels around its place there have its depth, to
    within ``near`` of it: so neither what stands before it nor an edge is taken for it.
    """
    height, width = depths.shape[1:]
    rows, columns = np.mgrid[:height, :width]
    across = np.stack([(columns + 0.5) / width, (rows + 0.5) / height, np.ones(rows.shape)], axis=-1)
    for first, second in permutations(range(len(cameras)), 2):
        there = np.isfinite(depths[first]) & (depths[first] > 0)
        rays = across[there] @ np.linalg.inv(cameras[first].intrinsics.astype(np.float64)).T
        local = rays * depths[first][there][:, None] * (1, -1, -1)  # from x right, y down, z forward
        pose = np.linalg.inv(view_matrix(cameras[first]))
        seen = project(cameras[second], local @ pose[:3, :3].T + pose[:3, 3])
        places = seen[:, :2] * (width, height) - 0.5
        corner = np.floor(places).astype(int)
        inside = (corner >= 0).all(axis=1) & (corner < (width - 1, height - 1)).all(axis=1) & (seen[:, 2] > 0)
        x, y = corner[inside].T
        depth = seen[inside, 2]
        around = np.stack([depths[second][y + down, x + right] for down in (0, 1) for right in (0, 1)])
        fits = (np.abs(around - depth) <= near * depth).all(axis=0)
        pixels = np.stack([columns[there], rows[there]], axis=-1)
        yield Shared(first, second, pixels[inside][fits], places[inside][fits].astype(np.float32))


def picture_consistency(
    images: np.ndarray, depths: np.ndarray, cameras: Sequence[Camera], near: float = NEAR
) -> float | None:
    """Mean absolute difference of colour, 0 (views agree) to 1, over all that two views both show; None where no two
    show the same. ``images`` uint8 N x H x W x 3; see `shared_pixels` for the rest."""
    total, count = 0.0, 0
    for each in shared_pixels(depths, cameras, near):
        x, y = each.pixels.T
        first = images[each.first][y, x].astype(np.float64)
        second = _sampled(images[each.second], each.places)
        total += float(np.abs(first - second).mean(axis=1).sum()) / 255
        count += len(x)
    return total / count if count else None


def label_consistency(
    labels: np.ndarray, depths: np.ndarray, cameras: Sequence[Camera], near: float = NEAR
) -> float | None:
    """The share of equal labels, 0 to 1, over all that two views both show; None where no two show the same. ``labels``
    integers N x H x W; see `shared_pixels` for the rest."""
    equal, count = 0, 0
    for each in shared_pixels(depths, cameras, near):
        x, y = each.pixels.T
        across, down = np.rint(each.places).astype(int).T
        equal += int((labels[each.first][y, x] == labels[each.second][down, across]).sum())
        count += len(x)
    return equal / count if count else None


def _sampled(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """float64 K x C: ``image`` at ``places``, linear between pixels."""
    x, y = np.floor(places).astype(int).T
    right, down = (places - np.floor(places)).T[..., None]
    pixels = image.astype(np.float64)
    upper = pixels[y, x] * (1 - right) + pixels[y, x + 1] * right
    lower = pixels[y + 1, x] * (1 - right) + pixels[y + 1, x + 1] * right
    return upper * (1 - down) + lower * down
