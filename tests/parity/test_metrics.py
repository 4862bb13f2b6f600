"""Our metrics against what the published evaluations gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.evaluation.instances import instance_stats
from backend.evaluation.labels import class_ious
from backend.evaluation.masks import eoras_iou, eoras_score
from backend.evaluation.panoptic import PanopticScore, Segment, panoptic_score

KINDS = {"amodal2_segm": "amodal", "visible2_segm": "visible", "bbox": "bbox"}


def recorded(golden: Path, pattern: str) -> list[Path]:
    found = sorted(golden.glob(pattern))
    if not found:
        pytest.skip(f"no {pattern} in {golden}")
    return found


def test_eoras(golden: Path) -> None:
    for path in recorded(golden, "eoras/metrics.npz"):
        stored = np.load(path)
        shape = tuple(stored["shape"])
        found, wanted, visible = (
            np.unpackbits(stored[name])[: int(np.prod(shape))].reshape(shape).astype(np.float32)
            for name in ("pred", "gt", "vm")
        )
        frames = [each.reshape(-1, *shape[-2:]) for each in (found, wanted, visible)]
        ious = eoras_iou(frames[0], frames[1])
        assert np.allclose(ious, stored["iou_singles"], atol=1e-6)
        assert float(ious.mean()) == pytest.approx(float(stored["iou_mean"]), abs=1e-6)
        assert float(ious.sum()) == pytest.approx(float(stored["iou_sum"]), abs=1e-5)
        occluded = eoras_iou(frames[0] - frames[2], frames[1] - frames[2])
        assert np.allclose(occluded, stored["occ_singles"], atol=1e-6)
        score = eoras_score(*frames)
        assert score.occluded == pytest.approx(float(stored["occ_sum"]), abs=1e-5)
        assert score.occluded_frames == int(stored["occ_num"])


def segments(entry: dict[str, Any]) -> dict[int, Segment]:
    return {each["id"]: Segment(each["area"], bool(each.get("iscrowd", 0))) for each in entry["segments_info"]}


def test_panoptic_quality(golden: Path) -> None:
    judged = 0
    for path in recorded(golden, "ldmseg/metrics.json"):
        cases, maps = json.loads(path.read_text()), np.load(path.with_suffix(".npz"))
        for name, case in cases.items():
            if "gt" not in case or not isinstance(case["gt"], list):
                continue
            total = PanopticScore()
            for entry in case["gt"]:
                key = f"{name}.pred.{entry['image_id']}"
                if key in maps:
                    total += panoptic_score(maps[key], maps[f"{name}.gt.{entry['image_id']}"], segments(entry))
            expected = case["result"]
            assert (total.matched, total.wrong, total.missed) == (expected["tp"], expected["fp"], expected["fn"]), name
            ours = (total.pq, total.sq, total.rq, total.iou, total.precision, total.recall)
            theirs = (expected[key] for key in ("PQ", "SQ", "RQ", "iou_sum", "precision", "recall"))
            assert ours == pytest.approx(tuple(theirs), rel=1e-6), name
            judged += 1
    assert judged >= 5


def test_label_iou(golden: Path) -> None:
    for path in recorded(golden, "ldmseg/metrics.json"):
        case, maps = json.loads(path.read_text())["miou"], np.load(path.with_suffix(".npz"))
        ious = class_ious(maps["miou_pred"], maps["miou_gt"], case["num_classes"], case["ignore_index"])
        assert np.allclose(ious, case["jac"], atol=1e-6)
        assert ious.mean() == pytest.approx(case["mIoU"], abs=1e-6)


def test_instances(golden: Path) -> None:
    for path in recorded(golden, "vrsp/metrics_*.json"):
        case = json.loads(path.read_text())
        for theirs, kind in KINDS.items():
            results = case["visible_results" if kind == "visible" else "amodal_results"]
            ours = instance_stats(case["dataset"], results, kind)  # type: ignore[arg-type]
            assert np.allclose(ours, case["stats"][theirs], atol=1e-6), (path.name, kind)
