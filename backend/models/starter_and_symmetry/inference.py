"""`starter-and-symmetry`: what pix2gestalt's starter takes for the whole, and the wholes of `symmetry-inpaint`."""

from __future__ import annotations

import numpy as np

from backend.imaging.masks import iou
from backend.pipelines.context import Context
from backend.pipelines.part import Part

_LEARNED, _SYMMETRIC = "pix2gestalt-starter", "symmetry-inpaint"  # models of the hub
_LEARNING = 0.6  # of the time
# Symmetry's score from which on it is not to be doubted: plates, wheels and balls, whose outline is an ellipse. Of
# validation cases and photographed things none has it; below it, even next to it, the learned whole is better.
_SURE = 0.88
_SAME_IOU = 0.97  # wholes closer than this are one to the eye

Sample = tuple[np.ndarray, np.ndarray, float]


class StarterAndSymmetry:
    """The starter's samples are much alike, as each is a mean of draws; a choice is worth having between guesses of
    another kind, of which one mostly is that nothing is hidden. Stateless; the same for every device."""

    def complete(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        occluders: np.ndarray | None,
        samples: int,
        seed: int,
        context: Context,
        quality: str = "standard",
    ) -> list[Sample]:
        """At most ``samples`` wholes of the object visible in ``mask``: what symmetry is sure of, the learned one, and
        what else symmetry offers.

        ``image`` uint8 H x W x 3, ``mask`` and ``occluders`` bool H x W; ``mask`` not empty. Each sample: RGBA uint8
        H x W x 4 (straight alpha), the amodal mask bool H x W, the score that its own model gives it. Where
        ``occluders`` are given, what is hidden lies behind them. ``seed`` and ``quality`` are the starter's.
        """
        part = Part(context, (0.0, _LEARNING))
        [learned] = context.model(_LEARNED).complete(image, mask, occluders, 1, seed, part, quality)
        if occluders is not None:
            learned = _behind(learned, occluders | mask)
        part = Part(context, (_LEARNING, 1.0))
        part.stage("complete", samples, "Completing the hidden part by symmetry")
        others = context.model(_SYMMETRIC).complete(image, mask, occluders, samples, seed, part, quality)
        sure = [sample for sample in others if sample[2] >= _SURE]
        found: list[Sample] = []
        for sample in [*sure, learned, *others[len(sure) :]]:
            if all(iou(sample[1], other[1]) < _SAME_IOU for other in found):
                found.append(sample)
        return found[:samples]


def _behind(sample: Sample, allowed: np.ndarray) -> Sample:
    rgba, amodal, score = sample
    return np.dstack([rgba[..., :3], rgba[..., 3] * allowed]), amodal & allowed, score


def load(device: str) -> StarterAndSymmetry:
    """The model; ``device`` is that of the models it asks."""
    return StarterAndSymmetry()
