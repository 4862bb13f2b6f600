"""COCO's average precision for amodal and visible masks, and on occluded objects alone, by pycocotools.

As in VRSP's evaluation an object's "area" is its visible share, so COCO's size classes become classes of occlusion:
"small" is what shows at most 85 per cent of itself (its AP is the published AP on occluded objects), "medium" at most
75, "large" at most 60.
"""

from __future__ import annotations

import contextlib
import copy
import io
from typing import Any, Literal

import numpy as np

from protocol.problems import ErrorCode, ProblemError

Kind = Literal["amodal", "visible", "bbox"]

# By their place in COCO's summary. `ar` is COCO's own, of 100 detections a picture; papers often mean another.
NAMES = ("ap", "ap50", "ap75", "ap_occluded", "ap_occluded_25", "ap_occluded_40", "ar1", "ar10", "ar")
_RANGES = [[0, 1], [0, 0.85], [0, 0.75], [0, 0.6]]
_VISIBLE = ("visible_mask", "inmodal_seg", "visible_segmentation")


def visible_share(annotation: dict[str, Any]) -> float:
    """The share of an annotated object that is visible: from ``occlude_rate``, else from its masks' areas."""
    if "occlude_rate" in annotation:
        return 1.0 - float(annotation["occlude_rate"])
    visible = _visible_of(annotation)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(_area(visible)) / np.float64(annotation["area"]))


def instance_stats(dataset: dict[str, Any], results: list[dict[str, Any]], kind: Kind) -> np.ndarray:
    """COCO's twelve numbers: AP, AP50, AP75, AP of three classes of occlusion, AR of 1, 10 and 100 detections, AR of
    the three classes; 0 to 1, -1 where there is nothing to score.

    ``dataset`` is the COCO-amodal JSON (amodal ``segmentation``, visible masks as RLE, ``occlude_rate`` or areas);
    ``results`` the detections: image_id, category_id, score, bbox, segmentation (RLE; of visible masks for "visible"),
    ``area`` the visible share predicted. ProblemError (BAD_INPUT) for a data set without visible masks.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    prepared = copy.deepcopy(dataset)
    for annotation in prepared["annotations"]:
        share = visible_share(annotation)
        if kind == "visible":
            annotation["segmentation"] = _visible_of(annotation)
        annotation["area"] = share
        annotation.setdefault("iscrowd", 0)
    with contextlib.redirect_stdout(io.StringIO()):
        truth: Any = COCO()
        truth.dataset = prepared
        truth.createIndex()
        found = _loaded(truth, results)
        evaluation = COCOeval(truth, found, "bbox" if kind == "bbox" else "segm")
        evaluation.params.areaRng = _RANGES
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.asarray(evaluation.stats)


def named(stats: np.ndarray) -> dict[str, float]:
    """The first nine of `instance_stats` by NAMES, in per cent; those with nothing to score are left out."""
    return {name: 100 * float(value) for name, value in zip(NAMES, stats, strict=False) if value >= 0}


def _loaded(truth: Any, results: list[dict[str, Any]]) -> Any:
    """Detections as pycocotools keeps them, whose own loader would count areas anew."""
    from pycocotools.coco import COCO

    found: Any = COCO()
    found.dataset = {key: truth.dataset[key] for key in ("images", "categories") if key in truth.dataset}
    found.dataset["annotations"] = [
        {**copy.deepcopy(result), "id": number, "iscrowd": 0} for number, result in enumerate(results, start=1)
    ]
    found.createIndex()
    return found


def _visible_of(annotation: dict[str, Any]) -> Any:
    for name in _VISIBLE:
        if name in annotation:
            return annotation[name]
    raise ProblemError(
        ErrorCode.BAD_INPUT,
        f"Annotation {annotation.get('id')} has no visible mask.",
        f"One of these fields is needed: {', '.join(_VISIBLE)}.",
    )


def _area(segmentation: Any) -> float:
    from pycocotools import mask

    return float(mask.area(segmentation))
