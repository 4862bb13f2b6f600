"""Likeness of two pictures: PSNR and SSIM."""

from __future__ import annotations

from typing import Any

import numpy as np

from protocol.problems import ErrorCode, ProblemError

WINDOW = 11  # pixels: SSIM's Gaussian of 1.5, cut at 3.5 of it


def psnr(found: np.ndarray, wanted: np.ndarray, where: np.ndarray | None = None) -> float:
    """Peak signal to noise ratio in dB of uint8 pictures, of the pixels ``where`` (bool H x W) alone if given; infinite
    for equal ones, nan where there is no pixel. ProblemError (BAD_INPUT) for pictures of different shapes."""
    _same_shape(found, wanted)
    difference = found.astype(np.float64) - wanted.astype(np.float64)
    if where is not None:
        difference = difference[where]
    if difference.size == 0:
        return float("nan")
    error = float((difference**2).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255.0**2 / error))


def ssim(found: np.ndarray, wanted: np.ndarray) -> float:
    """Structural similarity of uint8 pictures, -1 to 1: Wang et al. 2004, equation 13, with its Gaussian window of 1.5
    and constants 0.01 and 0.03, mean over channels. ProblemError (BAD_INPUT) for different shapes or sides under
    WINDOW."""
    from skimage.metrics import structural_similarity

    _same_shape(found, wanted)
    if min(found.shape[:2]) < WINDOW:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"Pictures of {found.shape[1]} x {found.shape[0]} pixels are too small for SSIM.",
            f"Allowed: sides of {WINDOW} and more.",
        )
    axis = 2 if found.ndim == 3 else None
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    likeness: Any = structural_similarity(found, wanted, channel_axis=axis, **settings)
    return float(likeness)


def _same_shape(found: np.ndarray, wanted: np.ndarray) -> None:
    if found.shape != wanted.shape:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"The picture found has the shape {found.shape}, the true one {wanted.shape}.",
            "They have to have the same shape.",
        )
