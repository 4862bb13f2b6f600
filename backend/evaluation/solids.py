"""Likeness of meshes: chamfer distance, F-score, normal consistency, volume IoU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.evaluation.occupancy import occupancy
from backend.imaging.masks import iou
from protocol.problems import ErrorCode, ProblemError

Surface = tuple[np.ndarray, np.ndarray]
Solid = Surface | Callable[[np.ndarray], np.ndarray]

GRID = 64


@dataclass(frozen=True)
class SurfaceScore:
    """``chamfer``: the mean of both directions' mean distances to the nearest point, as SyncDreamer and TripoSR count.
    ``fscore`` at the threshold, 0 to 1. ``normals``: mean |cosine| of the normals at nearest points, both ways."""

    chamfer: float
    fscore: float
    normals: float


def surface_score(
    found: Surface,
    wanted: Surface,
    threshold: float = 0.02,
    samples: int = 20_000,
    seed: int = 0,
) -> SurfaceScore:
    """Surfaces (vertices float V x 3, faces int F x 3) compared by points drawn evenly from each. ``threshold`` is in
    the meshes' units, in which objects have a longest side of 1. Surfaces are compared where they are: align them
    first. F-score: Knapitsch et al. 2017, equations 3 to 5. ProblemError (BAD_INPUT) for a surface without area."""
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
    return SurfaceScore(float(there.mean() + back.mean()) / 2, fscore, float(agree + agree_back) / 2)


def volume_iou(found: Solid, wanted: Solid, side: int = GRID) -> float:
    """IoU of two solids in the cube of side 1 around 0, at the middles of ``side``^3 cells (SyncDreamer's evaluation
    has 64); 1 where both are empty. A solid is a surface (vertices, faces; see `occupancy`) or a function that says
    which points (float32 N x 3) are inside (bool N)."""
    first, second = (_occupied(each, side) for each in (found, wanted))
    return iou(first, second)


def _occupied(solid: Solid, side: int) -> np.ndarray:
    if not callable(solid):
        return occupancy(*solid, side)
    middles = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
    points = np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(solid(points), bool).reshape(side, side, side)


def _sampled(vertices: np.ndarray, faces: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points spread evenly over the surface, and its normals there."""
    corners = np.asarray(vertices, float)[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(across, axis=1)
    if not areas.sum() > 0:
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"A surface of {len(faces)} faces has no area.", "Allowed: at least one real triangle."
        )
    random = np.random.default_rng(seed)
    face = random.choice(len(faces), count, p=areas / areas.sum())
    first, second = np.sort(random.random((2, count)), axis=0)
    weights = np.stack([first, second - first, 1 - second], axis=-1)[..., None]
    return (corners[face] * weights).sum(axis=1), across[face] / areas[face, None]
