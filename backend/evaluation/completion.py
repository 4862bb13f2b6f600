"""How well a model completes what is hidden, given what is visible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from backend.evaluation.cases import Case, find_cases
from backend.evaluation.masks import hidden_iou
from backend.evaluation.pictures import psnr
from backend.evaluation.recognition import Recognition, as_photographed
from backend.evaluation.report import Scorer, mask_tile
from backend.evaluation.segmentation import Segmenter
from backend.imaging.masks import iou
from backend.imaging.paper import on_white
from backend.pipelines.context import Context
from protocol.tasks import TASKS

METRICS = ("amodal_miou", "hidden_miou", "hidden_psnr", "amodal_miou_from_box")
BASELINE = "symmetry-inpaint"  # a model of the hub; the other baselines are below
_CLEAREST = 60.0  # dB: more than that is rounding, and equal colours would be infinite

Sample = tuple[np.ndarray, np.ndarray, float]
Samples = list[Sample]


find = find_cases


class Completer(Protocol):
    """A model of the task `complete`."""

    def complete(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        occluders: np.ndarray | None,
        samples: int,
        seed: int,
        context: Any,
        quality: str,
    ) -> Samples:
        """(RGBA, amodal mask, score) of each sample, best first."""
        ...


class Visible:
    """The baseline that completes nothing."""

    def complete(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        occluders: np.ndarray | None,
        samples: int,
        seed: int,
        context: Any,
        quality: str,
    ) -> Samples:
        return [_cut_out(image, self.whole(mask))]

    def whole(self, mask: np.ndarray) -> np.ndarray:
        """The amodal mask that it gives for the visible ``mask``, each bool H x W."""
        return mask


class ConvexHull(Visible):
    """The baseline that fills the hull of what is visible."""

    def whole(self, mask: np.ndarray) -> np.ndarray:
        points = np.argwhere(mask)[:, ::-1].astype(np.int32)
        return cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), cv2.convexHull(points), 1).astype(bool)


def _cut_out(image: np.ndarray, mask: np.ndarray) -> Sample:
    return np.dstack([image, mask.astype(np.uint8) * 255]), mask, 0.0


@dataclass(frozen=True)
class Asked:
    """How models are asked: with ``samples`` over 1 also for so many, of which the best counts; ``quality`` as the task
    `complete` has it; what they complete is looked at by ``recognition``, if there is one."""

    samples: int = 1
    quality: str = "standard"
    recognition: Recognition | None = None


def completed(
    model: Completer, case: Case, visible: np.ndarray, context: Context, samples: int = 1, quality: str = "standard"
) -> Samples:
    """The model's samples for ``visible``; what is visible alone where the model has none or nothing is visible. The
    model is not told what stands in front."""
    found = model.complete(case.image, visible, None, samples, 0, context, quality) if visible.any() else []
    return found or [_cut_out(case.image, visible)]


def completion_scores(
    model: Completer, case: Case, context: Context, asked: Asked | None = None
) -> tuple[dict[str, float], np.ndarray]:
    """Scores of what the model makes of the true visible mask, and its mask of one sample.

    IoU of the amodal mask over all and over what is hidden; PSNR in dB of the hidden colours where the case has the
    whole object. Of several samples the best IoU of each kind is `amodal_miou_best` and `hidden_miou_best`. A case
    without anything hidden has no hidden score.
    """
    asked = asked or Asked()
    one = completed(model, case, case.modal, context, 1, asked.quality)[0]
    scores = _overlaps(one[1], case)
    if case.whole is not None and "hidden_miou" in scores:
        scores["hidden_psnr"] = hidden_psnr(one[0], case.whole, case.amodal & ~case.modal)
    if asked.samples > 1:
        several = completed(model, case, case.modal, context, asked.samples, asked.quality)
        each = [_overlaps(mask, case) for _, mask, _ in several]
        scores |= {f"{name}_best": max(found[name] for found in each) for name in each[0]}
    if asked.recognition is not None:
        scores |= asked.recognition.scores(case, one[0][..., :3], one[0][..., 3])
    return scores, one[1]


def _overlaps(mask: np.ndarray, case: Case) -> dict[str, float]:
    scores = {"amodal_miou": iou(mask, case.amodal)}
    hidden = hidden_iou(mask, case.amodal, case.modal)
    return scores if hidden is None else scores | {"hidden_miou": hidden}


def hidden_psnr(found: np.ndarray, wanted: np.ndarray, hidden: np.ndarray) -> float:
    """PSNR in dB, at most 60, of two RGBA pictures (uint8 H x W x 4) laid on white, over the pixels ``hidden`` (bool
    H x W, not empty): what was not completed is white."""
    return min(psnr(on_white(found), on_white(wanted), hidden), _CLEAREST)


class FromBox:
    """The whole path from a case's box. Each case is segmented once, however many models complete it."""

    def __init__(self, segmenter: Segmenter, context: Context, quality: str = "standard") -> None:
        self._segmenter, self._context, self._quality = segmenter, context, quality
        self._last: tuple[Case, np.ndarray] | None = None

    def score(self, model: Completer, case: Case) -> float:
        """IoU of the amodal mask for what the segmenter finds in the box."""
        if self._last is None or self._last[0] is not case:
            self._last = case, self._segmenter.segment(case.image, [], list(case.box), self._context)[0]
        return iou(completed(model, case, self._last[1], self._context, 1, self._quality)[0][1], case.amodal)


def scorers(name: str, model: Completer, context: Context, asked: Asked | None = None) -> dict[str, Scorer[Case]]:
    """What scores a case, by name: ``model`` under ``name`` first, then the baselines; where recognition is scored also
    `occluded`, the picture around the object as it is."""
    asked = asked or Asked()
    segmenter = next(each.default for each in TASKS["segment"].parameters if each.name == "model")
    path = FromBox(context.model(str(segmenter)), context, asked.quality)

    def scored(one: Completer, case: Case) -> tuple[dict[str, float], np.ndarray]:
        scores, mask = completion_scores(one, case, context, asked)
        return {**scores, METRICS[-1]: path.score(one, case)}, mask

    models: dict[str, Completer] = {name: model}
    if name != BASELINE:
        models[BASELINE] = context.model(BASELINE)
    models |= {"visible": Visible(), "convex_hull": ConvexHull()}
    found: dict[str, Scorer[Case]] = {each: lambda case, one=one: scored(one, case) for each, one in models.items()}
    recognition = asked.recognition
    if recognition is not None:
        found["occluded"] = lambda case: (recognition.scores(case, as_photographed(case), None), case.modal)
    return found


def tile(case: Case, answer: np.ndarray) -> np.ndarray:
    """The picture with the answer and the truth."""
    return mask_tile(case.image, answer, case.amodal)
