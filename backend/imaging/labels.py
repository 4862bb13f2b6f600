"""What is measured of each label of a label map."""

from __future__ import annotations

import numpy as np


def label_means(values: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """float32 ``count`` x C: the mean of ``values`` (float … x C) where ``labels`` (integers …, 0 to ``count`` - 1) has
    each label; not a number for those that it has nowhere."""
    found = np.full((count, values.shape[-1]), np.nan, np.float32)
    for label in np.unique(labels):
        found[label] = values[labels == label].mean(axis=0)
    return found
