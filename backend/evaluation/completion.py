"""How well a model completes what is hidden, given what is visible."""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np

from backend.evaluation.cases import Case
from backend.evaluation.masks import hidden_iou, iou
from backend.pipelines.context import Context

METRICS = ("amodal_miou", "hidden_miou")
FROM_BOX = "amodal_miou_from_box"


class Completer(Protocol):
    def complete(
        self, image: np.ndarray, mask: np.ndarray, occluders: np.ndarray | None, samples: int, seed: int, context: Any
    ) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """(RGBA, amodal mask, score) of each sample, best first."""
        ...


class Visible:
    """The baseline that completes nothing."""

    def complete(
        self, image: np.ndarray, mask: np.ndarray, occluders: Any, samples: int, seed: int, context: Any
    ) -> list[tuple[np.ndarray, np.ndarray, float]]:
        return [(image, mask, 0.0)]


class ConvexHull:
    """The baseline that fills the hull of what is visible."""

    def complete(
        self, image: np.ndarray, mask: np.ndarray, occluders: Any, samples: int, seed: int, context: Any
    ) -> list[tuple[np.ndarray, np.ndarray, float]]:
        points = np.argwhere(mask)[:, ::-1].astype(np.int32)
        hull = cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), cv2.convexHull(points), 1)
        return [(image, hull.astype(bool), 0.0)]


def completion_scores(model: Completer, case: Case, context: Context) -> tuple[dict[str, float], np.ndarray]:
    """IoU of the first sample's amodal mask, given the true visible mask, over all and over what is hidden; and the
    mask. A case without anything hidden has no `hidden_miou`."""
    mask = model.complete(case.image, case.modal, None, 1, 0, context)[0][1]
    scores = {"amodal_miou": iou(mask, case.amodal)}
    hidden = hidden_iou(mask, case.amodal, case.modal)
    if hidden is not None:
        scores["hidden_miou"] = hidden
    return scores, mask


def from_box_score(segmenter: Any, model: Completer, case: Case, context: Context) -> float:
    """IoU of the amodal mask of the whole path: box to visible mask to whole object."""
    visible = segmenter.segment(case.image, [], list(case.box), context)[0]
    if not visible.any():
        return 0.0
    return iou(model.complete(case.image, visible, None, 1, 0, context)[0][1], case.amodal)
