"""Is a completed object recognised? CLIP chooses among the names that the data has, without being trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from backend.evaluation.cases import Case
from backend.imaging.boxes import Box, box_of
from backend.imaging.crops import crop_going_on
from backend.pipelines.context import Context
from protocol.problems import ErrorCode, ProblemError

METRICS = {"recognition_top1": 1, "recognition_top3": 3}


class Recogniser(Protocol):
    """A model of the task `recognize`."""

    def recognise(self, image: np.ndarray, alpha: np.ndarray | None, labels: Sequence[str], context: Any) -> np.ndarray:
        """The probability of each label (float32) for ``image`` (uint8 H x W x 3), or the part of it in ``alpha``."""
        ...


class Recognition:
    """Scores pictures of objects by the place of the object's own name among ``names``, all that it could be.

    ProblemError (BAD_INPUT) when there are not two names to choose from.
    """

    def __init__(self, model: Recogniser, names: Sequence[str], context: Context) -> None:
        if len(names) < 2:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                "The data does not say what its objects are called, so that recognising them cannot be scored.",
                "Data with names: KINS, COCOA-cls, cases.json with a “name” for each case, synthetic:procedural.",
            )
        self._model, self._names, self._context = model, list(names), context

    def scores(self, case: Case, image: np.ndarray, alpha: np.ndarray | None) -> dict[str, float]:
        """For each of METRICS whether the case's name is among the first so many (1 or 0), nothing where it has none;
        ``alpha`` uint8 H x W as models take it. Nothing to look at is not recognised."""
        if case.name not in self._names:
            return {}
        if alpha is not None and not alpha.any():
            return dict.fromkeys(METRICS, 0.0)
        found = self._model.recognise(image, alpha, self._names, self._context)
        # Names as likely as the right one come before it: a model that cannot tell is not right.
        place = int((found >= found[self._names.index(case.name)]).sum())
        return {metric: float(place <= first) for metric, first in METRICS.items()}


def as_photographed(case: Case) -> np.ndarray:
    """uint8 S x S x 3: the square of the picture around what is visible of the object, with what hides it."""
    box = box_of(case.modal)
    side = max(box.width, box.height)
    x, y = (box.x0 + box.x1 - side) // 2, (box.y0 + box.y1 - side) // 2
    return crop_going_on(case.image, Box(x, y, x + side, y + side))
