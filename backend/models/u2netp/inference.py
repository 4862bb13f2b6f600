"""U2NETP on the prompt's crop, refined by a GrabCut seeded with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from backend.imaging.boxes import Box, whole
from backend.imaging.cut import UNKNOWN, WORK_SIDE, Guess, around, cut_out
from backend.imaging.prompts import Prompt, read_prompt
from backend.imaging.scaling import resized, size_limited
from backend.models.u2netp.clicks import find_clicked
from backend.nn.u2net import U2NetP

SIDE = 320  # what the network was trained at
MARGIN = 0.08  # of the box's longer side; measured best on composites, see the card
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


def prepared(image: np.ndarray, side: int) -> np.ndarray:
    """uint8 H x W x 3 -> float32 1 x 3 x ``side`` x ``side``: scaled by its maximum, then ImageNet's mean and spread,
    as the network was trained."""
    small = resized(image, (side, side)).astype(np.float32)
    normal = (small / max(float(small.max()), 1.0) - _MEAN) / _STD
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None])


class U2NetPSegmenter:
    """Segments what stands out at points, in a box or in the whole picture."""

    def __init__(self, network: U2NetP, device: str) -> None:
        self._network = network
        self._device = device

    def saliency(self, image: np.ndarray, side: int = SIDE) -> np.ndarray:
        """What stands out in ``image`` (uint8 H x W x 3): float32 H x W, scaled to reach from 0 to 1."""
        tensor = torch.from_numpy(prepared(image, side)).to(self._device, memory_format=torch.channels_last)
        with torch.inference_mode():
            found = self._network(tensor)[0, 0].float().cpu().numpy()
        low, high = float(found.min()), float(found.max())
        return resized((found - low) / max(high - low, 1e-6), image.shape[:2])

    def segment(
        self, image: np.ndarray, points: Sequence[Sequence[float]], box: Sequence[float] | None, context: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """``image`` uint8 H x W x 3; ``points`` [x, y, label] and ``box`` [x0, y0, x1, y1] in pixels; ``context``
        offers check(). Gives the mask (bool H x W, perhaps empty) and the confidence (float32 H x W, 0 to 1).

        ProblemError (BAD_PARAMETER) for points or a box that do not fit the picture.
        """
        prompt = read_prompt(points, box, image.shape[:2])
        check: Callable[[], None] = context.check
        guess = self._guess(image, prompt, check)
        check()
        return cut_out(image, guess, prompt, check)

    def _guess(self, image: np.ndarray, prompt: Prompt, check: Callable[[], None]) -> Guess:
        if prompt.box is not None:
            return self._in_box(image, prompt.box)
        if prompt.empty:
            return self._in_box(image, whole(image.shape[:2]))
        return find_clicked(image, prompt, self.saliency, check)

    def _in_box(self, image: np.ndarray, box: Box) -> Guess:
        size = image.shape[:2]
        region = around(box, size)
        likely = np.full(size_limited((region.height, region.width), WORK_SIDE), UNKNOWN, np.float32)
        crop = box.grown(MARGIN * max(box.width, box.height), size)
        found = self.saliency(image[crop.slices])[box.within(crop).slices]
        inner = box.within(region).scaled((region.height, region.width), likely.shape)
        likely[inner.slices] = resized(found, (inner.height, inner.width))
        return Guess(likely, region)


def load(device: str, tensors: dict[str, torch.Tensor]) -> U2NetPSegmenter:
    """The model with the weights ``tensors`` (float16, names of network.py) on ``device``."""
    network = U2NetP().eval()
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (its stub lacks this form)
    return U2NetPSegmenter(network.to(device), device)
