"""How well a model finds what a box, a point and further clicks mean."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from backend.evaluation.cases import Case
from backend.evaluation.masks import iou
from backend.imaging.clicks import next_click
from backend.pipelines.context import Context

METRICS = ("iou_box", "iou_point", "iou_box_point", "iou_3_clicks")
CLICKS = 3


class Segmenter(Protocol):
    def segment(self, image: np.ndarray, points: Any, box: Any, context: Any) -> tuple[np.ndarray, np.ndarray]:
        """The mask (bool H x W) and its confidence."""
        ...


def segmentation_scores(model: Segmenter, case: Case, context: Context) -> tuple[dict[str, float], np.ndarray]:
    """The IoU of each of METRICS, and the mask for box and point. Of three clicks the first is the case's point, each
    other one falls into the middle of the largest error."""

    def found(points: list[list[float]], box: Any) -> np.ndarray:
        return model.segment(case.image, points, box, context)[0]

    clicks = [[*case.point, 1.0]]
    box = list(case.box)
    by_point, both = found(clicks, None), found(clicks, box)
    scores = {"iou_box": iou(found([], box), case.modal), "iou_point": iou(by_point, case.modal)}
    scores["iou_box_point"] = iou(both, case.modal)
    mask = by_point
    while len(clicks) < CLICKS:
        click = next_click(mask, case.modal)
        if click is None:
            break
        clicks.append([float(each) for each in click])
        mask = found(clicks, None)
    scores["iou_3_clicks"] = iou(mask, case.modal)
    return scores, both
