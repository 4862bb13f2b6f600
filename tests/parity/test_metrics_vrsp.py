"""COCO's average precision of amodal and visible masks, against what VRSP's evaluation gave."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.instances import Kind, instance_stats, visible_share

from .recordings import recorded

KINDS: dict[str, Kind] = {"amodal2_segm": "amodal", "visible2_segm": "visible", "bbox": "bbox"}


def test_average_precision(golden: Path) -> None:
    for path in recorded(golden, "vrsp/metrics*.json"):
        case = json.loads(path.read_text("utf-8"))
        assert case["stats"]
        for task, expected in case["stats"].items():
            results = case["visible_results" if KINDS[task] == "visible" else "amodal_results"]
            ours = instance_stats(case["dataset"], results, KINDS[task])
            assert np.allclose(ours, expected, atol=1e-9), (path.name, task)


def test_visible_shares(golden: Path) -> None:
    for path in recorded(golden, "vrsp/metrics*.json"):
        case = json.loads(path.read_text("utf-8"))
        shares = {str(each["id"]): visible_share(each) for each in case["dataset"]["annotations"]}
        assert shares == pytest.approx(case["gt_visibility_used_as_area"], abs=1e-9), path.name
