"""Segments what points and a box mean; the features of a crop serve every further click in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch

from backend.imaging.boxes import Box, box_of, box_within
from backend.imaging.prompts import Prompt, read_prompt
from backend.imaging.scaling import resized
from backend.models.prompted_u2netp.network import PromptedU2NetP
from backend.models.prompted_u2netp.prompts import prompt_maps
from protocol.problems import ErrorCode, ProblemError

SIDE = 192  # of the network's picture, as at the end of its training
BOX_MARGIN = 0.2  # of the box's longer side, as in training
_WIDE = 0.75  # first crop around points, of the picture's longer side
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


def prepared(image: np.ndarray) -> np.ndarray:
    """uint8 H x W x 3 -> float32 3 x H x W with ImageNet's mean and spread."""
    return np.ascontiguousarray(((image.astype(np.float32) / 255 - _MEAN) / _STD).transpose(2, 0, 1))


@dataclass(frozen=True, eq=False)
class _Look:
    """A crop that was looked at: its picture (to know it again), where it is, and its features."""

    image: np.ndarray
    crop: Box
    features: list[torch.Tensor]


class PromptedSegmenter:
    """Segments one object; remembers the features of its last crop."""

    needs_prompt = True

    def __init__(self, network: PromptedU2NetP, device: str) -> None:
        self._network = network
        self._device = device
        self._look: _Look | None = None

    def segment(
        self, image: np.ndarray, points: Sequence[Sequence[float]], box: Sequence[float] | None, context: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """``image`` uint8 H x W x 3; ``points`` [x, y, label] and ``box`` [x0, y0, x1, y1] in pixels; ``context``
        offers check(). Gives the mask (bool H x W, perhaps empty) and the confidence (float32 H x W, 0 to 1).

        ProblemError (BAD_PARAMETER) for points or a box that do not fit the picture, or where there are neither.
        """
        prompt = read_prompt(points, box, image.shape[:2])
        if prompt.empty:
            raise ProblemError(
                ErrorCode.BAD_PARAMETER, "Nothing says which object is meant.", "Give a point on it or a box around it."
            )
        crop = self._crop(image, prompt, context)
        likely = self._answer(image, crop, prompt, None)
        context.check()
        if len(prompt.positive) + len(prompt.negative) > 1:
            # Clicks after the first one correct the answer before them.
            likely = self._answer(image, crop, prompt, likely)
        confidence = np.zeros(image.shape[:2], np.float32)
        confidence[crop.slices] = resized(likely, (crop.height, crop.width))
        return confidence >= 0.5, confidence

    def _crop(self, image: np.ndarray, prompt: Prompt, context: Any) -> Box:
        """Around the box; else around what the points mean in a wider crop, so that the object fills it."""
        size = image.shape[:2]
        if prompt.box is not None:
            return prompt.box.grown(BOX_MARGIN * max(prompt.box.width, prompt.box.height), size)
        if self._look is not None and _same(self._look.image, image) and self._holds(self._look.crop, prompt):
            return self._look.crop
        wide = _around(prompt.positive, _WIDE * max(size), size)
        likely = resized(self._answer(image, wide, prompt, None), (wide.height, wide.width))
        context.check()
        if not (likely >= 0.5).any():
            return wide
        found = box_of(likely >= 0.5)
        place = Box(found.x0 + wide.x0, found.y0 + wide.y0, found.x1 + wide.x0, found.y1 + wide.y0)
        closer = place.grown(2 * BOX_MARGIN * max(place.width, place.height), size)
        return closer if self._holds(closer, prompt) else wide

    @staticmethod
    def _holds(crop: Box, prompt: Prompt) -> bool:
        return all(crop.x0 <= x < crop.x1 and crop.y0 <= y < crop.y1 for x, y in (*prompt.positive, *prompt.negative))

    def _answer(self, image: np.ndarray, crop: Box, prompt: Prompt, last: np.ndarray | None) -> np.ndarray:
        """Probabilities (float32 SIDE x SIDE) of the crop's pixels."""
        features = self._features(image, crop)
        size = np.array([crop.width, crop.height])
        labelled = [(each, label) for label, group in ((1, prompt.positive), (0, prompt.negative)) for each in group]
        points = np.array([(*((np.asarray(at) + 0.5 - (crop.x0, crop.y0)) / size), label) for at, label in labelled])
        box = None
        if prompt.box is not None:
            low = (np.array([prompt.box.x0, prompt.box.y0]) - (crop.x0, crop.y0)) / size
            high = (np.array([prompt.box.x1, prompt.box.y1]) - (crop.x0, crop.y0)) / size
            box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        told = torch.from_numpy(prompt_maps(SIDE, points.reshape(-1, 3), box, last))[None].to(self._device)
        with torch.inference_mode():
            return torch.sigmoid(self._network.decode(features, told)[0])[0, 0].float().cpu().numpy()

    def _features(self, image: np.ndarray, crop: Box) -> list[torch.Tensor]:
        if self._look is not None and self._look.crop == crop and _same(self._look.image, image):
            return self._look.features
        small = cv2.resize(image[crop.slices], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        tensor = torch.from_numpy(prepared(small))[None].to(self._device, memory_format=torch.channels_last)
        with torch.inference_mode():
            features = self._network.encode(tensor)
        self._look = _Look(image, crop, features)
        return features


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return first is second or (first.shape == second.shape and np.array_equal(first, second))


def _around(points: np.ndarray, side: float, size: tuple[int, int]) -> Box:
    """A square of ``side`` around the points, pushed into the picture, larger where they spread further."""
    low, high = points.min(axis=0), points.max(axis=0) + 1
    side = max(side, 1.5 * float((high - low).max()))
    width, height = min(side, size[1]), min(side, size[0])
    x = float(np.clip((low[0] + high[0]) / 2, width / 2, size[1] - width / 2))
    y = float(np.clip((low[1] + high[1]) / 2, height / 2, size[0] - height / 2))
    return box_within((x - width / 2, y - height / 2, x + width / 2, y + height / 2), size)


def load(device: str, tensors: dict[str, torch.Tensor]) -> PromptedSegmenter:
    """The model with the weights ``tensors`` (names of network.py) on ``device``."""
    network = PromptedU2NetP().eval()
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (its stub lacks this form)
    return PromptedSegmenter(network.to(device), device)
