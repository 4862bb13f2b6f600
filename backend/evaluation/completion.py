"""How well a model completes what is hidden, given what is visible."""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np

from backend.evaluation.cases import Case, find_cases
from backend.evaluation.masks import hidden_iou
from backend.evaluation.report import Scorer, mask_tile
from backend.evaluation.segmentation import Segmenter
from backend.imaging.masks import iou
from backend.pipelines.context import Context
from protocol.tasks import TASKS

METRICS = ("amodal_miou", "hidden_miou", "amodal_miou_from_box")

Samples = list[tuple[np.ndarray, np.ndarray, float]]


find = find_cases


class Completer(Protocol):
    """A model of the task `complete`."""

    def complete(
        self, image: np.ndarray, mask: np.ndarray, occluders: np.ndarray | None, samples: int, seed: int, context: Any
    ) -> Samples:
        """(RGBA, amodal mask, score) of each sample, best first."""
        ...


class Visible:
    """The baseline that completes nothing."""

    def complete(
        self, image: np.ndarray, mask: np.ndarray, occluders: np.ndarray | None, samples: int, seed: int, context: Any
    ) -> Samples:
        return [(image, mask, 0.0)]


class ConvexHull:
    """The baseline that fills the hull of what is visible."""

    def complete(
        self, image: np.ndarray, mask: np.ndarray, occluders: np.ndarray | None, samples: int, seed: int, context: Any
    ) -> Samples:
        points = np.argwhere(mask)[:, ::-1].astype(np.int32)
        hull = cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), cv2.convexHull(points), 1)
        return [(image, hull.astype(bool), 0.0)]


def completed(model: Completer, case: Case, visible: np.ndarray, context: Context) -> np.ndarray:
    """The amodal mask of the model's best sample for ``visible``; that alone where the model has none, and nothing
    where nothing is visible. The model is not told what stands in front."""
    if not visible.any():
        return visible
    samples = model.complete(case.image, visible, None, 1, 0, context)
    return samples[0][1] if samples else visible


def completion_scores(model: Completer, case: Case, context: Context) -> tuple[dict[str, float], np.ndarray]:
    """IoU of the amodal mask given the true visible mask, over all and over what is hidden; and the mask. A case
    without anything hidden has no `hidden_miou`."""
    mask = completed(model, case, case.modal, context)
    scores = {"amodal_miou": iou(mask, case.amodal)}
    hidden = hidden_iou(mask, case.amodal, case.modal)
    if hidden is not None:
        scores["hidden_miou"] = hidden
    return scores, mask


class FromBox:
    """The whole path from a case's box. Each case is segmented once, however many models complete it."""

    def __init__(self, segmenter: Segmenter, context: Context) -> None:
        self._segmenter, self._context = segmenter, context
        self._last: tuple[Case, np.ndarray] | None = None

    def score(self, model: Completer, case: Case) -> float:
        """IoU of the amodal mask for what the segmenter finds in the box."""
        if self._last is None or self._last[0] is not case:
            self._last = case, self._segmenter.segment(case.image, [], list(case.box), self._context)[0]
        return iou(completed(model, case, self._last[1], self._context), case.amodal)


def scorers(name: str, model: Completer, context: Context) -> dict[str, Scorer[Case]]:
    """What scores a case, by name: ``model`` under ``name`` first, then the baselines."""
    segmenter = next(each.default for each in TASKS["segment"].parameters if each.name == "model")
    path = FromBox(context.model(str(segmenter)), context)

    def scored(one: Completer, case: Case) -> tuple[dict[str, float], np.ndarray]:
        scores, mask = completion_scores(one, case, context)
        return {**scores, METRICS[2]: path.score(one, case)}, mask

    models: dict[str, Completer] = {name: model, "visible": Visible(), "convex_hull": ConvexHull()}
    return {each: lambda case, one=one: scored(one, case) for each, one in models.items()}


def tile(case: Case, answer: np.ndarray) -> np.ndarray:
    """The picture with the answer and the truth."""
    return mask_tile(case.image, answer, case.amodal)
