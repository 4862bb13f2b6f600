"""Colours that are known in places, carried everywhere."""

from __future__ import annotations

import cv2
import numpy as np


def diffused(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float32 H x W x 3: the colours inside ``known`` carried smoothly everywhere (pull-push, Gortler et al. 1996)."""
    weights: list[np.ndarray] = [known.astype(np.float32)]
    sums: list[np.ndarray] = [image.astype(np.float32) * weights[0][..., None]]
    while min(weights[-1].shape) > 1 and not (weights[-1] > 0).all():
        size = tuple(max(1, -(-side // 2)) for side in weights[-1].shape[::-1])
        weights.append(cv2.resize(weights[-1], size, interpolation=cv2.INTER_AREA))
        sums.append(cv2.resize(sums[-1], size, interpolation=cv2.INTER_AREA))
    result = sums[-1] / np.maximum(weights[-1], 1e-8)[..., None]
    for weight, total in zip(weights[-2::-1], sums[-2::-1], strict=True):
        coarse = cv2.resize(result, weight.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(*weight.shape, 3)
        share = np.clip(weight, 0, 1)[..., None]
        result = total + (1 - share) * coarse
    return result
