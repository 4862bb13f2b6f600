"""How well a model finds what a box, a point and further clicks mean."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from backend.evaluation.cases import Case, find_cases
from backend.evaluation.report import Scorer, mask_tile
from backend.imaging.clicks import next_click
from backend.imaging.masks import iou
from backend.pipelines.context import Context

METRICS = ("iou_box", "iou_point", "iou_box_point", "iou_3_clicks")
BASELINES = ("grabcut", "u2netp")  # models of the hub
CLICKS = 3


find = find_cases


class Segmenter(Protocol):
    """A model of the task `segment`."""

    def segment(self, image: np.ndarray, points: Any, box: Any, context: Any) -> tuple[np.ndarray, np.ndarray]:
        """The mask (bool H x W) and its confidence."""
        ...


def segmentation_scores(model: Segmenter, case: Case, context: Context) -> tuple[dict[str, float], np.ndarray]:
    """The IoU of each of METRICS with the visible mask, and the mask for box and point. Of three clicks the first is
    the case's point, each other one falls into the middle of the largest error, and there is no box."""

    def found(points: list[list[float]], box: list[float] | None) -> np.ndarray:
        return model.segment(case.image, points, box, context)[0]

    clicks, box = [[*case.point, 1.0]], list(case.box)
    by_point, both = found(clicks, None), found(clicks, box)
    mask = by_point
    while len(clicks) < CLICKS:
        click = next_click(mask, case.modal)
        if click is None:
            break
        clicks.append([float(each) for each in click])
        mask = found(clicks, None)
    answers = (found([], box), by_point, both, mask)
    return {name: iou(answer, case.modal) for name, answer in zip(METRICS, answers, strict=True)}, both


def scorers(name: str, model: Segmenter, context: Context) -> dict[str, Scorer[Case]]:
    """What scores a case, by name: ``model`` under ``name`` first, then the baselines."""
    models = {name: model} | {each: context.model(each) for each in BASELINES if each != name}
    return {each: lambda case, one=one: segmentation_scores(one, case, context) for each, one in models.items()}


def tile(case: Case, answer: np.ndarray) -> np.ndarray:
    """The picture with the answer and the truth."""
    return mask_tile(case.image, answer, case.modal)
