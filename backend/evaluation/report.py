"""A run over many cases: mean scores of a model and its baselines, and a sheet of best, median and worst."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from backend.evaluation.cases import Case

Scorer = Callable[[Case], tuple[dict[str, float], np.ndarray]]

_TILE = 200
_SHOWN = 4  # of best, median and worst each


@dataclass
class Tally:
    """Scores by metric, one for each case that has it, and what is needed to show cases again."""

    scores: dict[str, list[float]] = field(default_factory=dict)
    shown: list[tuple[float, Case, np.ndarray]] = field(default_factory=list)

    def add(self, case: Case, scores: Mapping[str, float], mask: np.ndarray) -> None:
        for name, value in scores.items():
            self.scores.setdefault(name, []).append(value)
        self.shown.append((next(iter(scores.values())), case, mask))

    @property
    def means(self) -> dict[str, float]:
        return {name: float(np.mean(values)) for name, values in self.scores.items()}


def run(cases: Iterable[Case], scorers: Mapping[str, Scorer], told: Callable[[int], None]) -> dict[str, Tally]:
    """Score every case with every scorer; ``told`` is called with the number of cases done."""
    tallies = {name: Tally() for name in scorers}
    for number, case in enumerate(cases, start=1):
        for name, scorer in scorers.items():
            tallies[name].add(case, *scorer(case))
        told(number)
    return tallies


def sheet(tally: Tally, wanted: Callable[[Case], np.ndarray]) -> np.ndarray:
    """uint8 H x W x 3: rows of the best, the middle and the worst cases by the first metric; the answer in blue, the
    outline of what was ``wanted`` in yellow, the score in the corner."""
    ordered = sorted(tally.shown, key=lambda each: -each[0])
    middle = max(0, len(ordered) // 2 - _SHOWN // 2)
    rows = [ordered[:_SHOWN], ordered[middle : middle + _SHOWN], ordered[-_SHOWN:]]
    blank = np.full((_TILE, _TILE, 3), 240, np.uint8)
    return np.concatenate(
        [
            np.concatenate([*(_tile(*each, wanted) for each in row), *[blank] * (_SHOWN - len(row))], axis=1)
            for row in rows
        ]
    )


def _tile(score: float, case: Case, mask: np.ndarray, wanted: Callable[[Case], np.ndarray]) -> np.ndarray:
    tile = case.image.copy()
    tile[mask] = (tile[mask] * 0.5 + np.array([30, 120, 255]) * 0.5).astype(np.uint8)
    outline, _ = cv2.findContours(wanted(case).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    thick = max(1, round(max(tile.shape[:2]) / _TILE))
    cv2.drawContours(tile, outline, -1, (255, 220, 40), thick)
    height, width = tile.shape[:2]
    scale = _TILE / max(height, width)
    small = cv2.resize(
        tile, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    out = np.full((_TILE, _TILE, 3), 240, np.uint8)
    top, left = (_TILE - small.shape[0]) // 2, (_TILE - small.shape[1]) // 2
    out[top : top + small.shape[0], left : left + small.shape[1]] = small
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(out, f"{score:.2f}", (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, width, cv2.LINE_AA)
    return out
