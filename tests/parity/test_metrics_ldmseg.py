"""Panoptic quality and the label maps' IoU, against what LDMSeg's evaluation gave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from backend.evaluation.labels import class_ious
from backend.evaluation.panoptic import PanopticScore, Segment, panoptic_score

from .recordings import recorded


def segments(entry: dict[str, Any]) -> dict[int, Segment]:
    return {each["id"]: Segment(each["area"], bool(each.get("iscrowd", 0))) for each in entry["segments_info"]}


def coco_map(path: Path) -> np.ndarray:
    """int64 H x W: COCO's panoptic ids, R + 256 G + 65536 B."""
    return np.asarray(Picture.open(path).convert("RGB")).astype(np.int64) @ (1, 256, 65536)


def truth(path: Path, name: str, case: dict[str, Any], maps: Mapping[str, np.ndarray]) -> list[tuple[Any, np.ndarray]]:
    """What is known of each picture, and its map: recorded, or COCO's own files, which are 'data/' beside it."""
    if isinstance(case["gt"], list):
        return [(entry, maps[f"{name}.gt.{entry['image_id']}"]) for entry in case["gt"]]
    listed = path.parent / case["gt"]
    entries = json.loads(listed.read_text("utf-8"))["annotations"]
    return [(entry, coco_map(listed.parent / entry["file_name"])) for entry in entries]


def test_panoptic_quality(golden: Path) -> None:
    for path in recorded(golden, "ldmseg/metrics*.json"):
        cases, maps = json.loads(path.read_text("utf-8")), np.load(path.with_suffix(".npz"))
        judged = [name for name, case in cases.items() if "gt" in case]
        assert judged
        for name in judged:
            total = PanopticScore()
            for entry, wanted in truth(path, name, cases[name], maps):
                key = f"{name}.pred.{entry['image_id']}"
                if key in maps:  # pictures without an answer are left out there
                    total += panoptic_score(maps[key], wanted, segments(entry))
            expected = cases[name]["result"]
            assert (total.matched, total.wrong, total.missed) == (expected["tp"], expected["fp"], expected["fn"]), name
            ours = (total.pq, total.sq, total.rq, total.iou, total.precision, total.recall)
            theirs = (expected[key] for key in ("PQ", "SQ", "RQ", "iou_sum", "precision", "recall"))
            assert ours == pytest.approx(tuple(theirs), rel=1e-9), name


def test_label_iou(golden: Path) -> None:
    for path in recorded(golden, "ldmseg/metrics*.json"):
        case, maps = json.loads(path.read_text("utf-8"))["miou"], np.load(path.with_suffix(".npz"))
        ious = class_ious(maps["miou_pred"], maps["miou_gt"], case["num_classes"], case["ignore_index"])
        assert np.allclose(ious, case["jac"], atol=1e-6)
        assert ious.mean() == pytest.approx(case["mIoU"], abs=1e-6)
