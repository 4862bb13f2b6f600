"""Label maps: mean IoU over classes, and pixel accuracy. Maps are integers of any shape: many are judged as one."""

from __future__ import annotations

import numpy as np


def class_ious(found: np.ndarray, wanted: np.ndarray, classes: int, ignore: int | None = None) -> np.ndarray:
    """IoU of each class (float64): 0 for classes that neither map has, as in LDMSeg's meter.

    Pixels whose true label is ``ignore`` are left out; labels outside 0 to ``classes`` - 1 are no class, so they are
    misses where they stand for one.
    """
    judged = np.ones(wanted.shape, bool) if ignore is None else wanted != ignore
    found, wanted = found[judged], wanted[judged]
    hits, true, guessed = (_counts(each, classes) for each in (wanted[found == wanted], wanted, found))
    return hits / np.maximum(true + guessed - hits, 1e-8)


def label_miou(found: np.ndarray, wanted: np.ndarray, ignore: int | None = None) -> float:
    """Mean IoU over the classes that are in either map where the true label is not ``ignore``; 1 where none is."""
    judged = np.ones(wanted.shape, bool) if ignore is None else wanted != ignore
    present = np.union1d(found[judged], wanted[judged]).astype(np.int64)
    if not len(present):
        return 1.0
    return float(class_ious(found, wanted, int(present.max()) + 1, ignore)[present].mean())


def pixel_accuracy(found: np.ndarray, wanted: np.ndarray, ignore: int | None = None) -> float:
    """The share of pixels with the right label, of those whose true label is not ``ignore``; 1 where none is."""
    judged = np.ones(wanted.shape, bool) if ignore is None else wanted != ignore
    return float((found == wanted)[judged].mean()) if judged.any() else 1.0


def _counts(labels: np.ndarray, classes: int) -> np.ndarray:
    """int64 classes: how often each class occurs."""
    known = labels[(labels >= 0) & (labels < classes)].astype(np.int64)
    return np.bincount(known, minlength=classes)
