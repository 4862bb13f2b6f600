"""Everything-mode: what the masks of a grid of points must be, and which of them mean the same thing.

Kirillov et al., "Segment Anything", 2023, appendix B; the numbers are the defaults of SamAutomaticMaskGenerator and
SAM2AutomaticMaskGenerator in the authors' repositories (without their crops at a larger scale, which are off there
too).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Filters:
    """A mask stays when its predicted IoU exceeds ``min_iou`` (the family's default for None) and its stability
    exceeds ``min_stability``, and when neither its box nor its pixels overlap those of a better one by an IoU above
    ``max_overlap``. The published rule looks at boxes alone; a few stray pixels then make one thing two."""

    points_per_side: int = 32
    points_per_batch: int = 64
    min_iou: float | None = None
    min_stability: float = 0.95
    stability_offset: float = 1.0
    max_overlap: float = 0.7


def point_grid(per_side: int, size: tuple[int, int]) -> np.ndarray:
    """``per_side`` x ``per_side`` points (x, y) in the middles of equal cells of a picture of ``size`` (height,
    width): float64 N x 2, in pixels, row by row."""
    along = (np.arange(per_side) + 0.5) / per_side
    x, y = np.meshgrid(along * size[1], along * size[0])
    return np.stack([x.ravel(), y.ravel()], axis=-1)


def stability(logits: torch.Tensor, offset: float) -> torch.Tensor:
    """How little each mask (N x H x W) changes with its threshold: the IoU of the masks at ``offset`` above and below
    0; float32 N, 0 for an empty mask."""
    inner = (logits > offset).sum((-2, -1))
    outer = (logits > -offset).sum((-2, -1))
    return inner / outer.clamp(min=1)


def boxes_of(masks: torch.Tensor) -> torch.Tensor:
    """The box x0, y0, x1, y1 (ends as in a slice) around each bool mask of N x H x W, none empty: int64 N x 4."""
    edges = []
    for across in (masks.any(-2), masks.any(-1)):
        numbers = torch.arange(across.shape[-1], device=masks.device)
        edges.append(torch.where(across, numbers, across.shape[-1]).amin(-1))
        edges.append(torch.where(across, numbers + 1, 0).amax(-1))
    x0, x1, y0, y1 = edges
    return torch.stack([x0, y0, x1, y1], dim=-1)


def distinct_boxes(boxes: np.ndarray, scores: np.ndarray, limit: float) -> list[int]:
    """Non-maximum suppression: the numbers of the boxes (N x 4) that overlap no better one by an IoU above ``limit``,
    best score first."""
    corners = boxes.astype(np.float64)
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    kept: list[int] = []
    for number in np.argsort(-scores, kind="stable").tolist():
        low = np.maximum(corners[number, :2], corners[kept, :2])
        high = np.minimum(corners[number, 2:], corners[kept, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=-1)
        if not (shared > limit * (areas[number] + areas[kept] - shared)).any():
            kept.append(number)
    return kept


def distinct_masks(masks: np.ndarray, limit: float) -> list[int]:
    """The numbers of the bool masks (N x H x W, best first) that overlap no earlier kept one by an IoU above
    ``limit``."""
    flat = masks.reshape(len(masks), -1).astype(np.float32)
    areas = flat.sum(axis=1)
    shared = flat @ flat.T
    kept: list[int] = []
    for number in range(len(flat)):
        if not (shared[number, kept] > limit * (areas[number] + areas[kept] - shared[number, kept])).any():
            kept.append(number)
    return kept
