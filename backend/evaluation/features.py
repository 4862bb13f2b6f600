"""Distances between two sets of pictures, by features that somebody gives: Frechet (FID) and kernel distance (KID).

The published FID and KID use Inception's 2048 pooled features. Other features give other figures, so name them beside
the figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from protocol.problems import ErrorCode, ProblemError

Extractor = Callable[[np.ndarray], np.ndarray]


def features_of(pictures: Iterable[np.ndarray], extractor: Extractor) -> np.ndarray:
    """float64 N x D: what ``extractor`` gives (numbers of any shape, D in all) for each picture (uint8 H x W x 3)."""
    return np.stack([np.asarray(extractor(picture), np.float64).ravel() for picture in pictures])


def frechet_distance(found: np.ndarray, wanted: np.ndarray) -> float:
    """Frechet distance of two sets of features (float N x D each), 0 and up; Heusel et al. 2017, equation 6.

    Covariances are divided by N, as in StyleGAN's evaluation, which pix2pix3D uses. ProblemError (BAD_INPUT) for sets
    that cannot be compared.
    """
    first, second = _comparable(found, wanted)
    means = [each.mean(axis=0) for each in (first, second)]
    spreads = [(each - mean).T @ (each - mean) / len(each) for each, mean in zip((first, second), means, strict=True)]
    # The trace of the root of S1 S2 by the eigenvalues of the symmetric root(S1) S2 root(S1), which has the same.
    values, vectors = np.linalg.eigh(spreads[0])
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ spreads[1] @ root), 0)).sum()
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(spreads[0]) + np.trace(spreads[1]) - 2 * shared)


def kernel_distance(
    found: np.ndarray, wanted: np.ndarray, subsets: int = 100, size: int = 1000, random: Any = None
) -> float:
    """Kernel distance of two sets of features (float N x D each): the squared MMD without bias under the kernel
    (x.y / D + 1)^3, Binkowski et al. 2018, section 4; around 0 for sets alike, and below it by chance.

    The mean over ``subsets`` draws of ``size`` features of each set without replacement (fewer where a set is smaller),
    as in StyleGAN's evaluation. ``random`` is a NumPy generator, by default one seeded with 0. ProblemError (BAD_INPUT)
    for sets that cannot be compared.
    """
    first, second = _comparable(found, wanted)
    if random is None:
        random = np.random.default_rng(0)
    size = min(size, len(first), len(second))
    total = 0.0
    for _ in range(subsets):
        one, other = (each[random.choice(len(each), size, replace=False)] for each in (first, second))
        within = _kernel(one, one) + _kernel(other, other)
        total += (within.sum() - np.trace(within)) / (size - 1) - 2 * _kernel(one, other).sum() / size
    return float(total / subsets / size)


def _kernel(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one @ other.T / one.shape[1] + 1) ** 3


def _comparable(found: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shapes = found.shape, wanted.shape
    if any(len(shape) != 2 or shape[0] < 2 for shape in shapes) or shapes[0][1] != shapes[1][1]:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"Features of the shapes {shapes[0]} and {shapes[1]} cannot be compared.",
            "Allowed: N x D with the same D, and at least 2 pictures in each set.",
        )
    return np.asarray(found, np.float64), np.asarray(wanted, np.float64)
