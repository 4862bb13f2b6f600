"""Likeness of pictures: PSNR, SSIM, and distances between sets of features."""

from __future__ import annotations

from typing import Any

import numpy as np


def psnr(found: np.ndarray, wanted: np.ndarray, where: np.ndarray | None = None) -> float:
    """Peak signal to noise ratio in dB of uint8 pictures, of the pixels ``where`` (bool H x W) alone if given; infinite
    for equal ones, nan where there is no pixel."""
    difference = found.astype(np.float64) - wanted.astype(np.float64)
    if where is not None:
        difference = difference[where]
    if difference.size == 0:
        return float("nan")
    error = float((difference**2).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255.0**2 / error))


def ssim(found: np.ndarray, wanted: np.ndarray) -> float:
    """Structural similarity of uint8 pictures (Wang et al. 2004: Gaussian window of 1.5, constants 0.01 and 0.03)."""
    from skimage.metrics import structural_similarity

    axis = 2 if found.ndim == 3 else None
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    likeness: Any = structural_similarity(found, wanted, channel_axis=axis, **settings)
    return float(likeness)


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Frechet distance of two sets of features (float N x D each; Heusel et al. 2017): FID where they are Inception's.
    Name the features beside the figure: other features give other figures."""
    from scipy.linalg import sqrtm

    means = [each.mean(axis=0) for each in (first, second)]
    spreads = [np.atleast_2d(np.cov(each, rowvar=False)) for each in (first, second)]
    root = np.real(sqrtm(spreads[0] @ spreads[1]))
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(spreads[0] + spreads[1] - 2 * root))


def kernel_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased squared MMD with the cubic polynomial kernel (KID; Binkowski et al. 2018) of all features at once."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(first), len(second)
    own = kernel(first, first), kernel(second, second)
    within = [(each.sum() - np.trace(each)) / (len(each) * (len(each) - 1)) for each in own]
    return float(sum(within) - 2 * kernel(first, second).sum() / (n * m))
