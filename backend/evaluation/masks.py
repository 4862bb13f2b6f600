"""Overlap of amodal masks with the truth outside what is visible, and the published mIoU of whole and hidden parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.imaging.masks import iou

SMOOTH = np.float32(1e-6)


def hidden_iou(found: np.ndarray, wanted: np.ndarray, visible: np.ndarray) -> float | None:
    """IoU of amodal masks (bool H x W) outside what is ``visible``; None where nothing is hidden."""
    hidden = wanted & ~visible
    return iou(found & ~visible, hidden) if hidden.any() else None


def eoras_iou(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """IoU of the last two axes as EoRaS counts it (its evaluation code): inputs above 0.5 are inside, 1e-6 is added to
    the union, float32 throughout. So two empty masks score 0."""
    first, second = (_inside(each) for each in (found, wanted))
    both = (first * second).sum(axis=(-2, -1), dtype=np.float32)
    either = (first + second - first * second).sum(axis=(-2, -1), dtype=np.float32)
    return both / (either + SMOOTH)


@dataclass(frozen=True)
class EorasScore:
    """Sums over frames: ``full`` and ``occluded`` IoU and how many frames each was counted on. Add clips with +."""

    full: float = 0.0
    frames: int = 0
    occluded: float = 0.0
    occluded_frames: int = 0

    def __add__(self, other: EorasScore) -> EorasScore:
        return EorasScore(
            self.full + other.full,
            self.frames + other.frames,
            self.occluded + other.occluded,
            self.occluded_frames + other.occluded_frames,
        )

    @property
    def miou_full(self) -> float:
        return self.full / max(1, self.frames)

    @property
    def miou_occ(self) -> float:
        return self.occluded / max(1, self.occluded_frames)


def eoras_score(found: np.ndarray, wanted: np.ndarray, visible: np.ndarray) -> EorasScore:
    """EoRaS's mIoU_full and mIoU_occ for frames (N x H x W each). Its occluded score leaves out frames whose IoU is
    exactly 1, and counts those without any occlusion as 0: published figures are low, and comparable only with
    themselves. `hidden_iou` is the plain one."""
    full = eoras_iou(found, wanted)
    seen = _inside(visible)
    occluded = eoras_iou(_inside(found) - seen, _inside(wanted) - seen)
    counted = occluded != np.float32(1.0)
    return EorasScore(float(full.sum()), len(full), float(occluded[counted].sum()), int(counted.sum()))


def _inside(mask: np.ndarray) -> np.ndarray:
    return np.asarray(mask > 0.5, np.float32)
