"""A smooth height field over an outline: how thick the object is at each place, from its silhouette alone.

The square of the height solves a screened Poisson problem on the outline's inside, ``-laplace(u) + k^2 u = 1`` with
``u = 0`` on the outline: for a disc and k = 0 that is exactly a hemisphere, up to scale. Afterwards the middle lines
are lifted to the radius of the largest disc that fits there, so that an arm or a handle is as deep as it is wide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_matrix, csc_matrix, diags
from scipy.sparse.linalg import splu

from .silhouette import Silhouette

_NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))
_SLOPE = 0.8  # the distance field's slope is 1 except along its ridges
_OWN = 0.8  # of the largest disc that covers a place, for the place to be on the middle line
_CHUNK = 256
_ROUNDS = 3  # of lifting, as each is smoothed and so falls a little short
_CALM = 0.5  # of the local radius: how far thickness is smoothed across a ridge
_FLATTENING = 4.5  # k times the largest radius for a silhouette that is all box
_LEAST_THETA = 0.05  # an outline closer to a node than this is moved away from it, which keeps the system well set


def squared_height(outline: Silhouette) -> np.ndarray:
    """float32 n x n on the outline's grid: h^2 inside, falling below 0 outside, in squared units of the side."""
    cell = 1.0 / outline.cells
    distance = outline.distance.astype(np.float64) / cell
    inside = distance > 0
    screen = (_boxiness(outline) * _FLATTENING / float(distance.max())) ** 2
    ones = np.ones(int(inside.sum()))
    u = np.zeros_like(distance)
    u[inside] = _solver(_laplacian(distance, inside) + screen * diags(ones))(ones)
    u *= (distance.max() + 0.25) ** 2 / u.max()
    u[inside] *= _ridge_scale(distance, inside, u)
    return (_continued(u, distance, inside) * cell**2).astype(np.float32)


def _solver(matrix: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Solves a sparse, symmetric, positive definite system for any right side."""
    return splu(csc_matrix(matrix), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve


def _links(inside: np.ndarray) -> coo_matrix:
    """Symmetric matrix with 1 for every two inside nodes that are neighbours."""
    number = np.where(inside, np.cumsum(inside).reshape(inside.shape) - 1, -1)
    others = [np.roll(number, shift, axis=(0, 1))[inside] for shift in _NEIGHBOURS]
    row = np.concatenate([np.flatnonzero(other >= 0) for other in others])
    column = np.concatenate([other[other >= 0] for other in others])
    return coo_matrix((np.ones(len(row)), (row, column)), shape=(int(inside.sum()),) * 2)


def _laplacian(distance: np.ndarray, inside: np.ndarray) -> csc_matrix:
    """Five-point -laplace on the inside nodes, u = 0 on the outline between nodes (symmetric; Gibou et al. 2002)."""
    own = distance[inside]
    diagonal = np.zeros(len(own))
    for shift in _NEIGHBOURS:
        other = np.roll(distance, shift, axis=(0, 1))[inside]
        theta = np.clip(own / np.maximum(own - other, 1e-9), _LEAST_THETA, 1.0)
        diagonal += np.where(other > 0, 1.0, 1.0 / theta)
    return csc_matrix(diags(diagonal) - _links(inside))


def _ridge_scale(distance: np.ndarray, inside: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Factor for each inside node that lifts ``u`` to radius^2 along the ridges, spread smoothly in between."""
    radius = distance[inside]
    ridge = _ridge(distance)[inside]
    # A node lies up to half a cell beside the true ridge; a quarter is the mean.
    wanted = np.clip((radius + 0.25) ** 2 / np.maximum(u[inside], 1e-6), 0.2, 5.0)
    # Thick places count most.
    weight = np.where(ridge, 0.02 + 0.2 * (radius / radius.max()) ** 2, 1e-5)
    # Ridges are thin, so what is spread from them has a crease there: smooth it over a share of the local radius.
    calm = 1 / np.maximum(_CALM * radius, 0.5) ** 2
    links = _links(inside)
    stiff = diags(np.asarray(links.sum(axis=1)).ravel()) - links
    spread, smooth = _solver(stiff + diags(weight)), _solver(stiff + diags(calm))
    scale = np.ones_like(radius)
    for _ in range(_ROUNDS):
        missing = np.where(ridge, np.log(wanted / scale), 0.0)
        scale *= np.exp(smooth(calm * spread(weight * missing)))
    return scale


def _ridge(distance: np.ndarray) -> np.ndarray:
    """bool n x n: middle lines of limbs and bodies, without the branches that run from a body into its corners.

    A middle line's own disc is about the largest that covers it; a corner branch lies in the discs further in.
    """
    dy, dx = np.gradient(distance)
    rows, columns = np.nonzero((distance > 0) & (np.hypot(dx, dy) < _SLOPE))
    places = np.stack([rows, columns], axis=1).astype(np.float32)
    radius = distance[rows, columns].astype(np.float32)
    covering = np.empty_like(radius)
    for start in range(0, len(radius), _CHUNK):
        apart = np.linalg.norm(places[start : start + _CHUNK, None] - places[None], axis=-1)
        covering[start : start + _CHUNK] = np.where(apart < radius, radius, 0).max(axis=1)
    own = radius > _OWN * np.maximum(covering, radius)
    ridge = np.zeros(distance.shape, bool)
    ridge[rows[own], columns[own]] = True
    return ridge


def _boxiness(outline: Silhouette) -> float:
    """0 for round silhouettes to 1 for those that fill their tightest rectangle, as a box does with its flat front."""
    area = float((outline.distance > 0).mean()) * (len(outline.distance) / outline.cells) ** 2
    points = np.concatenate(outline.loops).astype(np.float32)
    (_, (width, height), _) = cv2.minAreaRect(points)
    return float(np.clip((area / max(width * height, 1e-9) - 0.79) / 0.14, 0.0, 1.0))


def _continued(u: np.ndarray, distance: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """``u`` with the outside continued at the slope it has on the outline, so that its zero line is the outline."""
    slope = np.where(inside, u / np.maximum(distance, 0.3), 0.0)
    nearest: Any = distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return np.where(inside, u, slope[tuple(nearest)] * distance)
