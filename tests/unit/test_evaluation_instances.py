"""Average precision over instances, on pictures small enough to count by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.datasets.regions import encode
from backend.evaluation.instances import instance_stats, named, visible_share
from protocol.problems import ProblemError

SIZE = (20, 30)


def region(x0: int, x1: int) -> dict[str, Any]:
    """Rows 5 to 15, columns ``x0`` to ``x1``, as run lengths."""
    mask = np.zeros(SIZE, bool)
    mask[5:15, x0:x1] = True
    return {"size": list(SIZE), "counts": encode(mask).counts}


def dataset(*visible: tuple[int, int]) -> dict[str, Any]:
    """One picture for each entry: an object from column 0 to 20, of which columns ``visible`` are seen."""
    annotations = [
        {
            "id": number,
            "image_id": number,
            "category_id": 1,
            "bbox": [0, 5, 20, 10],
            "area": 200,
            "segmentation": region(0, 20),
            "visible_mask": region(*columns),
        }
        for number, columns in enumerate(visible, start=1)
    ]
    images = [{"id": each["id"], "height": SIZE[0], "width": SIZE[1]} for each in annotations]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}


def result(image: int, x0: int, x1: int, score: float = 0.9, share: float = 1.0) -> dict[str, Any]:
    return {
        "image_id": image,
        "category_id": 1,
        "score": score,
        "bbox": [x0, 5, x1 - x0, 10],
        "segmentation": region(x0, x1),
        "area": share,
    }


def test_perfect_detections_have_everything() -> None:
    data = dataset((0, 20), (0, 10))
    scores = named(instance_stats(data, [result(1, 0, 20), result(2, 0, 20, share=0.5)], "amodal"))
    for name in ("ap", "ap50", "ap75", "ap_occluded", "ar"):
        assert scores[name] == pytest.approx(100)
    visible = [result(1, 0, 20), result(2, 0, 10, share=0.5)]
    assert named(instance_stats(data, visible, "visible"))["ap"] == pytest.approx(100)
    assert named(instance_stats(data, visible, "amodal"))["ap"] < 100
    assert named(instance_stats(data, [*visible[:1], result(2, 0, 20, share=0.5)], "bbox"))["ap"] == pytest.approx(100)


def test_an_overlap_counts_at_the_thresholds_that_it_passes() -> None:
    # 14 of 20 columns: IoU 0.7 passes 0.5, 0.55, 0.6, 0.65 and 0.7 of the ten thresholds.
    scores = named(instance_stats(dataset((0, 20)), [result(1, 0, 14)], "amodal"))
    assert scores["ap"] == pytest.approx(50)
    assert (scores["ap50"], scores["ap75"]) == pytest.approx((100, 0))
    assert scores["ar"] == pytest.approx(50)


def test_a_miss_halves_the_recall_and_a_sure_mistake_the_precision() -> None:
    data = dataset((0, 20), (0, 20))
    half = named(instance_stats(data, [result(1, 0, 20)], "amodal"))
    # Precision is 1 at the 51 of 101 recall points up to 0.5.
    assert half["ap"] == pytest.approx(100 * 51 / 101)
    assert half["ar"] == pytest.approx(50)
    found = [result(1, 0, 20, 0.8), result(2, 0, 20, 0.8), result(1, 21, 30, 0.9)]
    assert named(instance_stats(data, found, "amodal"))["ap"] == pytest.approx(100 * 2 / 3)


def test_occluded_objects_are_scored_alone() -> None:
    # The first object is wholly visible and missed, the second is half hidden and found.
    data = dataset((0, 20), (0, 10))
    scores = named(instance_stats(data, [result(2, 0, 20, share=0.5)], "amodal"))
    assert scores["ap_occluded"] == pytest.approx(100)
    assert scores["ap"] < 60
    # Without an occluded object there is no such score.
    assert "ap_occluded" not in named(instance_stats(dataset((0, 20)), [result(1, 0, 20)], "amodal"))


def test_no_detections_score_nothing() -> None:
    scores = named(instance_stats(dataset((0, 20)), [], "amodal"))
    assert scores["ap"] == scores["ar"] == 0


def test_the_data_set_given_is_left_as_it_was() -> None:
    data = dataset((0, 10))
    before = repr(data)
    instance_stats(data, [result(1, 0, 20)], "visible")
    assert repr(data) == before


def test_visible_shares() -> None:
    data = dataset((0, 5))
    annotation = data["annotations"][0]
    assert visible_share(annotation) == 0.25
    assert visible_share({**annotation, "occlude_rate": 0.4}) == pytest.approx(0.6)
    annotation["inmodal_seg"] = annotation.pop("visible_mask")
    assert visible_share(annotation) == 0.25
    del annotation["inmodal_seg"]
    with pytest.raises(ProblemError, match="Annotation 1 has no visible mask"):
        instance_stats(data, [], "amodal")
