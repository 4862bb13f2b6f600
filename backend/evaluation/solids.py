"""Likeness of meshes: chamfer distance, F-score, normal consistency, volume IoU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Inside = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class SurfaceScore:
    """``chamfer`` the sum of both mean distances, ``fscore`` at the threshold, ``normals`` mean |cosine| of normals at
    nearest points, both ways."""

    chamfer: float
    fscore: float
    normals: float


def surface_score(
    found: tuple[np.ndarray, np.ndarray],
    wanted: tuple[np.ndarray, np.ndarray],
    threshold: float = 0.02,
    samples: int = 20_000,
    seed: int = 0,
) -> SurfaceScore:
    """Surfaces (vertices float V x 3, faces int F x 3) compared by points drawn evenly from each. ``threshold`` is in
    the meshes' units, in which objects have a longest side of 1."""
    from scipy.spatial import KDTree

    (first, first_normals), (second, second_normals) = (
        _sampled(*surface, samples, seed + number) for number, surface in enumerate((found, wanted))
    )
    there, at_there = KDTree(second).query(first)
    back, at_back = KDTree(first).query(second)
    precision, recall = float((there < threshold).mean()), float((back < threshold).mean())
    fscore = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    agree = np.abs((first_normals * second_normals[at_there]).sum(axis=1)).mean()
    agree_back = np.abs((second_normals * first_normals[at_back]).sum(axis=1)).mean()
    return SurfaceScore(float(there.mean() + back.mean()), fscore, float(agree + agree_back) / 2)


def volume_iou(found: Inside, wanted: Inside, samples: int = 100_000, seed: int = 0) -> float:
    """IoU of two solids in the cube of side 1 around 0, each a function that says which points (float32 N x 3) are
    inside (bool N); 1 where both are empty."""
    points = np.random.default_rng(seed).uniform(-0.5, 0.5, (samples, 3)).astype(np.float32)
    first, second = found(points), wanted(points)
    either = (first | second).sum()
    return float((first & second).sum() / either) if either else 1.0


def _sampled(vertices: np.ndarray, faces: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points spread evenly over the surface, and its normals there."""
    corners = np.asarray(vertices, float)[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(across, axis=1)
    random = np.random.default_rng(seed)
    face = random.choice(len(faces), count, p=areas / areas.sum())
    first, second = np.sort(random.random((2, count)), axis=0)
    weights = np.stack([first, second - first, 1 - second], axis=-1)[..., None]
    return (corners[face] * weights).sum(axis=1), across[face] / areas[face, None]
