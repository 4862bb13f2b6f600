"""Segments what points and a box mean; the features of a crop serve every further click in it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
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

# Of the network's picture: as at the end of its training for the crop of a box; larger for points, around which the
# object takes less of the crop. On validation cases each is better for its own and worse for the other.
BOX_SIDE = 192
POINTS_SIDE = 224
BOX_MARGIN = 0.2  # of the box's longer side, as in training
_WIDE = 0.75  # first crop around points, of the picture's longer side
_FOLLOWED = 0.3  # of what was found, the longer side: the margin of the crop that goes after it
_MOVED = 1.6  # times as large or small a crop must be to be worth looking anew
_CROPS = 4  # whose features are kept
_ANSWERS = 512  # that are kept, of 200 kB each
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


def prepared(image: np.ndarray) -> np.ndarray:
    """uint8 H x W x 3 -> float32 3 x H x W with ImageNet's mean and spread."""
    return np.ascontiguousarray(((image.astype(np.float32) / 255 - _MEAN) / _STD).transpose(2, 0, 1))


Point = tuple[float, float, float]  # x, y in pixels, label


@dataclass(frozen=True, eq=False)
class _Seen:
    """What was found out about a picture: features by crop and side, the closer crop by first point, answers by crop
    and prompt. All follow from picture and prompt, so what was asked before changes nothing but the time."""

    image: np.ndarray
    features: dict[tuple[Box, int], list[torch.Tensor]] = field(default_factory=dict)
    closer: dict[Point, Box] = field(default_factory=dict)
    answers: dict[tuple[Box, tuple[Point, ...], Box | None], np.ndarray] = field(default_factory=dict)


class PromptedSegmenter:
    """Segments one object; remembers what it saw in the last picture, so that a further click is one decoder pass."""

    needs_prompt = True

    def __init__(self, network: PromptedU2NetP, device: str) -> None:
        self._network = network
        self._device = device
        self._seen: _Seen | None = None

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
        if self._seen is None or not _same(self._seen.image, image):
            self._seen = _Seen(image)
        seen = self._seen
        clicks: list[Point] = [(float(x), float(y), float(label)) for x, y, label in points]
        crop = self._crop(seen, clicks, prompt, context)
        likely = self._answer(seen, crop, clicks[:1], prompt.box, None)
        # Each click after the first one corrects the answer before it.
        for count in range(2, len(clicks) + 1):
            context.check()
            if prompt.box is None:
                crop, likely = _following(crop, likely, clicks[:count], image.shape[:2])
            likely = self._answer(seen, crop, clicks[:count], prompt.box, likely)
        confidence = _in_picture(likely, crop, image.shape[:2])
        return confidence >= 0.5, confidence

    def _crop(self, seen: _Seen, clicks: list[Point], prompt: Prompt, context: Any) -> Box:
        """Around the box; else around what the first click on the object means in a wider crop, so that the object
        fills it, where that holds this click."""
        size = seen.image.shape[:2]
        if prompt.box is not None:
            return prompt.box.grown(BOX_MARGIN * max(prompt.box.width, prompt.box.height), size)
        first = next(each for each in clicks if each[2] > 0)
        if first not in seen.closer:
            wide = _around(np.array([first[:2]]), _WIDE * max(size), size)
            likely = resized(self._answer(seen, wide, [first], None, None), (wide.height, wide.width))
            context.check()
            seen.closer[first] = _closer(likely >= 0.5, wide, size)
        crop = seen.closer[first]
        return crop if _holds(crop, first) else _around(np.array([first[:2]]), _WIDE * max(size), size)

    def _answer(
        self, seen: _Seen, crop: Box, clicks: list[Point], box: Box | None, last: np.ndarray | None
    ) -> np.ndarray:
        """Probabilities (float32 S x S) of the crop's pixels."""
        side = POINTS_SIDE if box is None else BOX_SIDE
        key = crop, tuple(clicks), box
        if key not in seen.answers:
            if len(seen.answers) >= _ANSWERS:
                seen.answers.clear()
            size = np.array([crop.width, crop.height])
            corner = np.array([crop.x0, crop.y0])
            points = np.array([(*((np.array([x, y]) + 0.5 - corner) / size), label) for x, y, label in clicks])
            drawn = None
            if box is not None:
                low, high = ((np.array(each) - corner) / size for each in ((box.x0, box.y0), (box.x1, box.y1)))
                drawn = float(low[0]), float(low[1]), float(high[0]), float(high[1])
            told = torch.from_numpy(prompt_maps(side, points.reshape(-1, 3), drawn, last))[None].to(self._device)
            with torch.inference_mode(), self._quick():
                logits = self._network.decode(self._features(seen, crop, side), _both_ways(told, side))[0]
                if len(logits) == 2:
                    logits = (logits[:1] + logits[1:].flip(3)) / 2
                seen.answers[key] = torch.sigmoid(logits)[0, 0].float().cpu().numpy()
        return seen.answers[key]

    def _features(self, seen: _Seen, crop: Box, side: int) -> list[torch.Tensor]:
        if (crop, side) not in seen.features:
            if len(seen.features) >= _CROPS:
                seen.features.clear()
            small = cv2.resize(seen.image[crop.slices], (side, side), interpolation=cv2.INTER_AREA)
            tensor = torch.from_numpy(prepared(small))[None].to(self._device, memory_format=torch.channels_last)
            seen.features[crop, side] = self._network.encode(_both_ways(tensor, side))
        return seen.features[crop, side]

    def _quick(self) -> AbstractContextManager[Any]:
        """bfloat16 on processors that compute with it, which is twice as quick there and as good."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self._device == "cpu" and _has_bfloat16())


@functools.cache
def _has_bfloat16() -> bool:
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # since PyTorch 2.10
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def _both_ways(x: torch.Tensor, side: int) -> torch.Tensor:
    """1 x C x S x S as it is; for points, which say less than a box, with its mirror image behind it."""
    return torch.cat([x, x.flip(3)]) if side == POINTS_SIDE else x


def _following(crop: Box, likely: np.ndarray, clicks: list[Point], size: tuple[int, int]) -> tuple[Box, np.ndarray]:
    """The crop around what is known so far and all ``clicks`` on the object, and what was ``likely`` in it; both as
    they were while that is about the same crop."""
    confidence = _in_picture(likely, crop, size)
    found = confidence >= 0.5
    for x, y, label in clicks:
        found[int(y), int(x)] |= label > 0
    if not found.any():
        return crop, likely
    box = box_of(found)
    around = box.grown(_FOLLOWED * max(box.width, box.height), size)
    larger = around.width * around.height / (crop.width * crop.height)
    held = all(_holds(crop, click) for click in clicks if click[2] > 0)
    if held and 1 / _MOVED < larger < _MOVED:
        return crop, likely
    return around, resized(confidence[around.slices], likely.shape)


def _holds(crop: Box, click: Point) -> bool:
    return crop.x0 <= click[0] < crop.x1 and crop.y0 <= click[1] < crop.y1


def _in_picture(likely: np.ndarray, crop: Box, size: tuple[int, int]) -> np.ndarray:
    """float32 H x W: what is ``likely`` in the crop, and 0 around it."""
    confidence = np.zeros(size, np.float32)
    confidence[crop.slices] = resized(likely, (crop.height, crop.width))
    return confidence


def _closer(found: np.ndarray, wide: Box, size: tuple[int, int]) -> Box:
    """The crop around what was ``found`` in ``wide`` (bool), or that one where nothing was."""
    if not found.any():
        return wide
    box = box_of(found)
    place = Box(box.x0 + wide.x0, box.y0 + wide.y0, box.x1 + wide.x0, box.y1 + wide.y0)
    return place.grown(2 * BOX_MARGIN * max(place.width, place.height), size)


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
