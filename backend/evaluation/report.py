"""A run over many cases: mean scores of a model and its baselines, and a sheet of best, median and worst."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import cv2
import numpy as np

Judged = TypeVar("Judged")
# Scores by metric and the answer; the first metric is what cases are ordered by.
Scorer = Callable[[Judged], tuple[dict[str, float], Any]]

TILE = 200
_SHOWN = 4  # of best, median and worst each
_PAPER = 240
_ANSWER, _TRUTH = np.array([30, 120, 255]), (255, 220, 40)


@dataclass
class Tally:
    """Scores by metric, one for each case that has it; for the sheet, cases' first scores and pictures of them."""

    scores: dict[str, list[float]] = field(default_factory=dict)
    tiles: list[tuple[float, np.ndarray]] = field(default_factory=list)

    @property
    def means(self) -> dict[str, float]:
        """The mean of each metric over the cases that have it."""
        return {name: float(np.mean(values)) for name, values in self.scores.items()}


def run(
    cases: Iterable[Judged],
    scorers: Mapping[str, Scorer[Judged]],
    told: Callable[[int], None],
    drawn: Callable[[Judged, Any], np.ndarray] | None = None,
) -> dict[str, Tally]:
    """Score every case with every scorer; ``told`` is called with the number of cases done. ``drawn`` makes a tile of a
    case and the first scorer's answer to it."""
    tallies = {name: Tally() for name in scorers}
    for number, case in enumerate(cases, start=1):
        for name, scorer in scorers.items():
            scores, answer = scorer(case)
            for metric, value in scores.items():
                tallies[name].scores.setdefault(metric, []).append(value)
            if drawn is not None and name == next(iter(scorers)):
                tallies[name].tiles.append((next(iter(scores.values())), drawn(case, answer)))
        told(number)
    return tallies


def sheet(tally: Tally) -> np.ndarray:
    """uint8 H x W x 3: rows of the best, the middle and the worst tiles, each with its score in the corner."""
    ordered = sorted(tally.tiles, key=lambda each: -each[0])
    middle = max(0, len(ordered) // 2 - _SHOWN // 2)
    rows = [ordered[:_SHOWN], ordered[middle : middle + _SHOWN], ordered[-_SHOWN:]]
    blank = np.full((TILE, TILE, 3), _PAPER, np.uint8)
    return np.concatenate(
        [np.concatenate([*(_scored(*each) for each in row), *[blank] * (_SHOWN - len(row))], axis=1) for row in rows]
    )


def mask_tile(image: np.ndarray, answer: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """uint8 TILE x TILE x 3: ``image`` (uint8 H x W x 3), the ``answer`` in blue, the ``truth`` outlined in yellow
    (both bool H x W)."""
    tile = image.copy()
    tile[answer] = (tile[answer] * 0.5 + _ANSWER * 0.5).astype(np.uint8)
    outline, _ = cv2.findContours(truth.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tile, outline, -1, _TRUTH, max(1, round(max(tile.shape[:2]) / TILE)))
    return picture_tile(tile)


def picture_tile(picture: np.ndarray) -> np.ndarray:
    """uint8 TILE x TILE x 3: ``picture`` (uint8 H x W x 3) as large as fits."""
    height, width = picture.shape[:2]
    scale = TILE / max(height, width)
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, (across, down), interpolation=cv2.INTER_AREA)
    out = np.full((TILE, TILE, 3), _PAPER, np.uint8)
    top, left = (TILE - down) // 2, (TILE - across) // 2
    out[top : top + down, left : left + across] = small
    return out


def _scored(score: float, tile: np.ndarray) -> np.ndarray:
    tile = tile.copy()
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(tile, f"{score:.2f}", (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, width, cv2.LINE_AA)
    return tile
