"""mIoU of whole objects and of what is hidden, against what EoRaS's evaluation gave."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.masks import EorasScore, eoras_iou, eoras_score

from .recordings import recorded, unpacked


def test_frames(golden: Path) -> None:
    for path in recorded(golden, "eoras/metrics*.npz"):
        stored = np.load(path)
        found, wanted, visible = (unpacked(stored[name], stored["shape"]) for name in ("pred", "gt", "vm"))
        ious = eoras_iou(found, wanted)
        assert np.allclose(ious, stored["iou_singles"], atol=1e-6), path
        assert float(ious.mean()) == pytest.approx(float(stored["iou_mean"]), abs=1e-6)
        assert float(ious.sum()) == pytest.approx(float(stored["iou_sum"]), rel=1e-6)
        assert np.allclose(eoras_iou(found & ~visible, wanted & ~visible), stored["occ_singles"], atol=1e-6)
        score = eoras_score(found, wanted, visible)
        assert score.occluded == pytest.approx(float(stored["occ_sum"]), rel=1e-6)
        assert score.occluded_frames == int(stored["occ_num"])
        assert score.full == pytest.approx(float(stored["iou_sum"]), rel=1e-6)


def test_running_figures_of_whole_clips(golden: Path) -> None:
    """The figures that the published test loop had after each clip, from the masks that it judged."""
    for path in recorded(golden, "eoras/eval_mini*.json"):
        results = json.loads(path.read_text("utf-8"))["results"]
        masks = np.load(path.with_name(f"{path.stem}_pred.npz"))
        clips = sorted(name.removesuffix("_stitched_bits") for name in masks if name.endswith("_stitched_bits"))
        assert clips
        for data in sorted({clip.split("_")[0] for clip in clips}):
            truth = np.load(path.with_name(f"dataset_{data}.npz"))
            # MOVi was also run with a camera's tilt; the recorded masks are those without.
            running = results[data if data in results else f"{data}_none"]["running"]
            total = EorasScore()
            for number, clip in enumerate(each for each in clips if each.startswith(f"{data}_")):
                index = clip.split("_")[1]
                found = unpacked(masks[f"{clip}_stitched_bits"], masks[f"{clip}_stitched_shape"])
                wanted, visible = (
                    unpacked(truth[f"{index}_{name}_bits"], truth[f"{index}_{name}_shape"])
                    for name in ("fm_nocrop", "vm_nocrop")
                )
                known = truth[f"{index}_fm_avail"] == 1 if f"{index}_fm_avail" in truth else slice(None)
                total += eoras_score(found[known], wanted[known], visible[known])
                (_, full), (_, occluded) = running[2 * number : 2 * number + 2]
                assert (total.miou_full, total.miou_occ) == pytest.approx((full, occluded), abs=1e-6), clip
