"""`grabcut`: colour models of object and surroundings, learnt from the prompt alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backend.imaging.boxes import Box, box_of
from backend.imaging.cut import Guess, around, cut_out
from backend.imaging.masks import disc
from backend.imaging.prompts import Prompt, read_prompt

_MAYBE = 0.8  # a guess that GrabCut may take back
_CLICK_REACH = 0.18  # of the picture's longer side: how far from a click the object may first be sought


class GrabCut:
    """Stateless; the same for every device."""

    def segment(
        self, image: np.ndarray, points: Sequence[Sequence[float]], box: Sequence[float] | None, context: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """``image`` uint8 H x W x 3; ``points`` [x, y, label] and ``box`` [x0, y0, x1, y1] in pixels; ``context``
        offers check(). Gives the mask (bool H x W, perhaps empty) and the confidence (float32 H x W, 0 to 1).

        ProblemError (BAD_PARAMETER) for points or a box that do not fit the picture.
        """
        prompt = read_prompt(points, box, image.shape[:2])
        guess = _guess(prompt, image.shape[:2])
        region = around(box_of(guess > 0), image.shape[:2])
        return cut_out(image, Guess(_MAYBE * guess[region.slices], region), prompt, context.check)


def _guess(prompt: Prompt, size: tuple[int, int]) -> np.ndarray:
    """float32 H x W: where the object is first sought. With no prompt, in the middle two thirds."""
    guess = np.zeros(size, np.float32)
    if prompt.box is not None:
        guess[prompt.box.slices] = 1
    elif len(prompt.positive):
        for x, y in prompt.positive:
            guess[disc(size, x, y, _CLICK_REACH * max(size))] = 1
    else:
        middle = Box(size[1] // 6, size[0] // 6, size[1] - size[1] // 6, size[0] - size[0] // 6)
        guess[middle.slices] = 1
    return guess


def load(device: str) -> GrabCut:
    """The model; ``device`` does not matter."""
    return GrabCut()
