"""Label maps: mean IoU over classes, and pixel accuracy."""

from __future__ import annotations

import numpy as np


def confusion(found: np.ndarray, wanted: np.ndarray, classes: int, ignore: int | None = None) -> np.ndarray:
    """int64 classes x classes: how many pixels of class i were called j; pixels whose true label is ``ignore`` and
    labels outside the range are left out of the truth, and count as class -1 (nothing) where they were found."""
    judged = (wanted >= 0) & (wanted < classes)
    if ignore is not None:
        judged &= wanted != ignore
    true, guess = wanted[judged].astype(np.int64), found[judged].astype(np.int64)
    inside = (guess >= 0) & (guess < classes)
    table = np.bincount(true[inside] * classes + guess[inside], minlength=classes * classes)
    return table.reshape(classes, classes)


def class_ious(found: np.ndarray, wanted: np.ndarray, classes: int, ignore: int | None = None) -> np.ndarray:
    """IoU of each class (float64): 0 for classes that neither map has, as in LDMSeg's meter."""
    table = confusion(found, wanted, classes, ignore)
    hit = np.diag(table).astype(float)
    judged = np.ones_like(wanted, bool) if ignore is None else wanted != ignore
    true = np.bincount(wanted[judged & (wanted >= 0) & (wanted < classes)].astype(np.int64), minlength=classes)
    return hit / np.maximum(true + table.sum(axis=0) - hit, 1e-8)


def label_miou(found: np.ndarray, wanted: np.ndarray) -> float:
    """Mean IoU over the classes that are in either map."""
    classes = int(max(found.max(), wanted.max())) + 1
    present = np.union1d(found, wanted).astype(np.int64)
    return float(class_ious(found, wanted, classes)[present].mean())


def pixel_accuracy(found: np.ndarray, wanted: np.ndarray) -> float:
    """The share of pixels with the right label."""
    return float((found == wanted).mean())
