"""Segment Anything for points and boxes: the best mask, all readings of a prompt, or everything in the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backend.imaging.boxes import whole
from backend.imaging.prompts import Prompt, read_prompt
from backend.imaging.scaling import size_limited
from backend.models.sam.embeddings import Embedding, EmbeddingCache, content_key
from backend.models.sam.everything import Filters, boxes_of, distinct_boxes, distinct_masks, point_grid, stability
from backend.models.sam.families import FAMILIES
from backend.models.sam.frame import Frame
from backend.models.sam.network import Question, SamNetwork
from backend.nn import pretrained

CACHE_BYTES = 256 * 2**20  # 15 pictures of SAM 2 in float32, 60 of SAM
_SMALL_SIDE = 256  # the size of the networks' own masks: enough to see that two are the same
_AT_ONCE = 16  # masks enlarged together, which bounds memory


@dataclass(frozen=True)
class Reading:
    """One thing that a prompt may mean: ``mask`` bool H x W, ``confidence`` float32 H x W (0 to 1, above 0.5 in the
    mask) and ``iou``, the mask's IoU with the true one as the network expects it."""

    mask: np.ndarray
    confidence: np.ndarray
    iou: float


@dataclass(frozen=True)
class Found:
    """One thing in everything-mode: ``mask`` bool H x W, the predicted ``iou`` and the ``stability`` (both 0 to 1)."""

    mask: np.ndarray
    iou: float
    stability: float


class SamSegmenter:
    """Segments what points and a box mean. Pictures are remembered by their content, up to ``cache_bytes``."""

    def __init__(self, network: SamNetwork, cache_bytes: int = CACHE_BYTES) -> None:
        self._network = network
        self._seen = EmbeddingCache(cache_bytes)

    def segment(
        self, image: np.ndarray, points: Sequence[Sequence[float]], box: Sequence[float] | None, context: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """``image`` uint8 H x W x 3; ``points`` [x, y, label] and ``box`` [x0, y0, x1, y1] in pixels; ``context``
        offers check(). Gives the mask (bool H x W, perhaps empty) and the confidence (float32 H x W, 0 to 1).

        A single click may mean a part, a thing or a group: the reading with the best predicted IoU is taken. More
        points or a box say which, and the network's single answer is taken, as its authors advise. No prompt counts
        as a box around the picture. ProblemError (BAD_PARAMETER) for points or a box that do not fit the picture.
        """
        prompt = read_prompt(points, box, image.shape[:2])
        lone = prompt.box is None and len(prompt.positive) + len(prompt.negative) == 1
        best = self._readings(image, prompt, lone, context.check, 1)[0]
        return best.mask, best.confidence

    def segment_all(
        self, image: np.ndarray, points: Sequence[Sequence[float]], box: Sequence[float] | None, context: Any
    ) -> list[Reading]:
        """The three readings that the network has for any prompt, best predicted IoU first; otherwise as segment."""
        prompt = read_prompt(points, box, image.shape[:2])
        return self._readings(image, prompt, True, context.check, None)

    def _readings(
        self, image: np.ndarray, prompt: Prompt, several: bool, check: Callable[[], None], most: int | None
    ) -> list[Reading]:
        frame, embedding = self._look(image, check)
        logits, ious = self._network.decode(embedding, _question(prompt, frame), several)
        check()
        readings = []
        for number in torch.argsort(ious[0], descending=True).tolist()[:most]:
            large = frame.enlarged(logits[0, number : number + 1], frame.size)[0]
            mask, confidence = (large > 0).cpu().numpy(), torch.sigmoid(large).cpu().numpy()
            readings.append(Reading(mask, confidence, float(ious[0, number])))
            check()
        return readings

    def everything(self, image: np.ndarray, context: Any, filters: Filters | None = None) -> list[Found]:
        """All things in ``image`` (uint8 H x W x 3) that a grid of points hits, best predicted IoU first.

        ``filters`` are the published ones unless given. Masks are judged on a copy of at most the network's side.
        """
        chosen = filters or Filters()
        check: Callable[[], None] = context.check
        frame, embedding = self._look(image, check)
        grid = point_grid(chosen.points_per_side, frame.size)
        kept: list[_Candidate] = []
        for start in range(0, len(grid), chosen.points_per_batch):
            check()
            kept += self._candidates(frame, embedding, grid[start : start + chosen.points_per_batch], chosen)
        check()
        if not kept:
            return []
        scores = np.array([each.iou for each in kept])
        order = distinct_boxes(np.stack([each.box for each in kept]), scores, chosen.max_overlap)
        small = [self._mask(frame, kept[number].logits, size_limited(frame.size, _SMALL_SIDE)) for number in order]
        order = [order[number] for number in distinct_masks(np.stack(small), chosen.max_overlap)]
        found = []
        for number in order:
            check()
            each = kept[number]
            found.append(Found(self._mask(frame, each.logits, frame.size), each.iou, each.stability))
        return found

    def _look(self, image: np.ndarray, check: Callable[[], None]) -> tuple[Frame, Embedding]:
        """The picture's embedding, remembered or made now."""
        family = self._network.family
        frame = Frame.around((image.shape[0], image.shape[1]), self._network.side, family.keeps_shape)
        key = content_key(image)
        embedding = self._seen.get(key)
        if embedding is None:
            check()
            embedding = self._network.encode(frame.prepared(image, family.mean, family.std))
            self._seen.put(key, embedding)
        check()
        return frame, embedding

    def _candidates(self, frame: Frame, embedding: Embedding, points: np.ndarray, chosen: Filters) -> list[_Candidate]:
        placed = frame.placed(points)[:, None]
        question = Question(placed, np.ones(placed.shape[:2], np.int64), None)
        logits, ious = (each.flatten(0, 1) for each in self._network.decode(embedding, question, several=True))
        min_iou = self._network.family.min_iou if chosen.min_iou is None else chosen.min_iou
        good = ious > min_iou
        logits, ious = logits[good], ious[good]
        found = []
        for start in range(0, len(logits), _AT_ONCE):
            part, scores = logits[start : start + _AT_ONCE], ious[start : start + _AT_ONCE]
            large = frame.enlarged(part, size_limited(frame.size, self._network.side))
            steady = stability(large, chosen.stability_offset)
            good = (steady > chosen.min_stability) & (large > 0).flatten(1).any(1)
            boxes = boxes_of(large[good] > 0).cpu().numpy()
            rows = zip(part[good], boxes, scores[good].tolist(), steady[good].tolist(), strict=True)
            found += [_Candidate(*row) for row in rows]
        return found

    def _mask(self, frame: Frame, logits: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
        return (frame.enlarged(logits[None], size)[0] > 0).cpu().numpy()


@dataclass(frozen=True)
class _Candidate:
    """A mask that passed the filters: ``logits`` h x w of the network's square, ``box`` int64 x0, y0, x1, y1."""

    logits: torch.Tensor
    box: np.ndarray
    iou: float
    stability: float


def _question(prompt: Prompt, frame: Frame) -> Question:
    box = whole(frame.size) if prompt.empty else prompt.box
    boxes = None
    if box is not None:
        boxes = frame.placed(np.array([[box.x0, box.y0], [box.x1, box.y1]])).reshape(1, 4)
    clicks = np.concatenate([prompt.positive, prompt.negative])
    if not len(clicks):
        return Question(None, None, boxes)
    labels = np.repeat(np.array([1, 0], np.int64), [len(prompt.positive), len(prompt.negative)])
    return Question(frame.placed(clicks)[None], labels[None], boxes)


def load(device: str, folder: Path) -> SamSegmenter:
    """The model that checkpoint.py wrote into ``folder``, on ``device``: half precision on a GPU, float32 on a CPU.
    ProblemError (MODEL_FAILED) when its files are not what they should be."""
    config = pretrained.read_config(folder / pretrained.CONFIG, FAMILIES)
    family = FAMILIES[config["model_type"]]
    model = pretrained.load(family.classes()[0], folder)
    half = getattr(torch, family.half) if device.startswith("cuda") else None
    return SamSegmenter(SamNetwork(model, family, device, half))
