"""Class-agnostic panoptic quality. Kirillov et al., "Panoptic Segmentation", CVPR 2019, equations 2 and 3; details of
matching as in the evaluation that LDMSeg used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from protocol.problems import ErrorCode, ProblemError

VOID = 0


@dataclass(frozen=True)
class Segment:
    """A segment of the truth: its ``area`` in pixels as the data set states it, and whether it is a crowd."""

    area: int
    crowd: bool = False


@dataclass(frozen=True)
class PanopticScore:
    """Counts over any number of pictures; add them with +."""

    iou: float = 0.0
    matched: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: PanopticScore) -> PanopticScore:
        return PanopticScore(
            self.iou + other.iou, self.matched + other.matched, self.wrong + other.wrong, self.missed + other.missed
        )

    @property
    def sq(self) -> float:
        """Mean IoU of what was matched, 0 to 100."""
        return 100 * self.iou / self.matched if self.matched else 0.0

    @property
    def rq(self) -> float:
        """F1 of finding segments, 0 to 100."""
        total = self.matched + 0.5 * self.wrong + 0.5 * self.missed
        return 100 * self.matched / total if total else 0.0

    @property
    def pq(self) -> float:
        """0 to 100."""
        total = self.matched + 0.5 * self.wrong + 0.5 * self.missed
        return 100 * self.iou / total if total else 0.0

    @property
    def precision(self) -> float:
        return 100 * self.matched / (self.matched + self.wrong + 1e-8)

    @property
    def recall(self) -> float:
        return 100 * self.matched / (self.matched + self.missed + 1e-8)


def panoptic_score(
    found: np.ndarray, wanted: np.ndarray, segments: Mapping[int, Segment] | None = None
) -> PanopticScore:
    """Score of one picture: ``found`` and ``wanted`` (integers from 0, H x W, 0 is void), and what is known of the
    segments of ``wanted`` by their id, in the data set's order; by default each is a segment of its own pixels.

    ProblemError (BAD_INPUT) when the maps differ in size.
    """
    if found.shape != wanted.shape:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"The panoptic map found is {found.shape}, the true one {wanted.shape}.",
            "They have to have the same size.",
        )
    if segments is None:
        segments = {number: Segment(area) for number, area in _areas(wanted).items()}
    areas = _areas(found)
    # One number a pair: sorting numbers is many times quicker than sorting rows.
    base = int(found.max(initial=0)) + 1
    pairs, counts = np.unique(wanted.astype(np.int64) * base + found, return_counts=True)
    overlap = {divmod(int(pair), base): int(count) for pair, count in zip(pairs, counts, strict=True)}
    matched_true, matched_found, total = set[int](), set[int](), 0.0
    for (true, guess), both in overlap.items():
        if true not in segments or segments[true].crowd or guess not in areas:
            continue
        union = areas[guess] + segments[true].area - both - overlap.get((VOID, guess), 0)
        if both / union > 0.5:
            matched_true.add(true)
            matched_found.add(guess)
            total += both / union
    missed = sum(not each.crowd and number not in matched_true for number, each in segments.items())
    # Of several crowds the evaluation that the figures are from knows only the last.
    crowds = [number for number, each in segments.items() if each.crowd][-1:]
    wrong = 0
    for guess, area in areas.items():
        excused = overlap.get((VOID, guess), 0) + sum(overlap.get((crowd, guess), 0) for crowd in crowds)
        wrong += guess not in matched_found and excused / area <= 0.5
    return PanopticScore(total, len(matched_true), wrong, missed)


def _areas(segments: np.ndarray) -> dict[int, int]:
    """Pixels of each segment, void left out."""
    ids, sizes = np.unique(segments, return_counts=True)
    return {int(each): int(size) for each, size in zip(ids, sizes, strict=True) if each != VOID}
