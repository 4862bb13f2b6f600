"""Mask inpainting: a panoptic map of which only a part is known is to be completed."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.evaluation.panoptic import VOID
from protocol.problems import ErrorCode, ProblemError


def inpaint_miou(found: np.ndarray, wanted: np.ndarray, known: np.ndarray) -> float | None:
    """Mean IoU, where the map was not ``known`` (bool H x W) and is not void, over the true segments that reach there;
    None where there are none. ``found`` and ``wanted`` are panoptic maps (integers from 0, H x W).

    A segment with a known pixel keeps its id, so it is compared with the same id. Nothing tells the ids of segments
    that were wholly unknown: those are paired one to one with ids that were not known, to the best sum. LDMSeg
    (arXiv 2401.10227, section 4) inpaints so but publishes no code for its score: this definition is ours.
    ProblemError (BAD_INPUT) for different sizes.
    """
    if not found.shape == wanted.shape == known.shape:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"The map found is {found.shape}, the true one {wanted.shape}, what is known {known.shape}.",
            "They have to have the same size.",
        )
    judged = ~known & (wanted != VOID)
    if not judged.any():
        return None
    told = np.setdiff1d(np.unique(wanted[known]), [VOID])
    true_ids, true = np.unique(wanted[judged], return_inverse=True)
    guess_ids, guess = np.unique(found[judged], return_inverse=True)
    both = np.bincount(true * len(guess_ids) + guess, minlength=len(true_ids) * len(guess_ids))
    both = both.reshape(len(true_ids), len(guess_ids))
    ious = both / (both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both)
    is_told = np.isin(true_ids, told)
    same = ious[(true_ids[:, None] == guess_ids) & is_told[:, None]].sum()
    free = ious[~is_told][:, ~np.isin(guess_ids, [*told, VOID])]
    return float((same + free[linear_sum_assignment(-free)].sum()) / len(true_ids))
