"""pix2gestalt as a model of the task `complete`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.diffusion.ddim import noise_of
from backend.imaging.boxes import whole
from backend.models.pix2gestalt.checkpoint import CONFIG, WEIGHTS
from backend.models.pix2gestalt.config import LATENT, STARTER, Config, read_config
from backend.models.pix2gestalt.framing import Whole, as_published, frame_of, placed, seen
from backend.models.pix2gestalt.memory import Plan, planned
from backend.models.pix2gestalt.network import Pix2Gestalt
from backend.models.pix2gestalt.pictures import from_network, to_network
from backend.models.pix2gestalt.sampling import REFERENCE, Conditions, Sampling, conditions, sample
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Image, Mask

# DDIM's 200 steps are the authors'; the fast sampler is as good in a tenth of them.
QUALITIES = {
    "draft": Sampling(steps=10),
    "standard": Sampling(steps=20),
    "best": Sampling(steps=40),
    "reference": REFERENCE,
}
# The small network is surest of what it sees in much noise: more steps add details that are not so.
STARTER_QUALITIES = {
    "draft": Sampling(steps=1, guidance=1.0, draws=4),
    "standard": Sampling(steps=2, guidance=1.2, draws=8),
    "best": Sampling(steps=3, guidance=1.2, draws=24),
    "reference": REFERENCE,
}
_PREVIEWS = 3  # in one run
_SEED_STEP, _DRAW_STEP = 1_000_003, 15_485_863  # between the seeds of samples, and of what a sample is the mean of


@dataclass(frozen=True, eq=False)
class _Told:
    """The conditions of the last picture and mask, known again by what they hold."""

    key: bytes
    conditions: Conditions


class Completer:
    """Remembers what it was told last: other samples of the same object do not encode anything anew."""

    def __init__(self, model: Pix2Gestalt, device: str, qualities: Mapping[str, Sampling] = QUALITIES) -> None:
        self._model = model
        self._qualities = qualities
        self._device = device
        self._last: _Told | None = None
        self._in_turns = False

    def complete(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        occluders: np.ndarray | None,
        samples: int,
        seed: int,
        context: Any,
        quality: str = "standard",
    ) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """``samples`` wholes of the object visible in ``mask``, those most like what is visible first.

        ``image`` uint8 H x W x 3, ``mask`` bool H x W, not empty; ``occluders`` change nothing: the network looks for
        itself. Each sample: RGBA uint8 H x W x 4 (straight alpha), the amodal mask bool H x W, a score from 0 to 1.
        Sample i is the same for the same ``seed``, however many others are asked for. ``quality`` is draft, standard,
        best (a square around the object) or reference (the whole picture squashed, 200 steps, as published).
        ProblemError (OUT_OF_MEMORY) when a GPU's ``context.vram_budget`` is too small.
        """
        how, published = self._qualities[quality], quality == "reference"
        plan = self._planned(context.vram_budget, samples, how)
        how, self._in_turns = replace(how, together=plan.together), plan.in_turns
        frame = whole(mask.shape) if published else frame_of(mask)
        small = seen(image, mask, frame, self._model.config.side)
        seeds = [seed + _SEED_STEP * index for index in range(samples)]

        def finished(made: np.ndarray) -> Whole:
            if published:
                return as_published(made, image, mask)
            return placed(made, image, mask, frame, self._model.config)

        def show(guess: Tensor) -> None:
            shown = finished(self._picture(guess[:1]))
            self._bring("unet")
            context.preview("complete", completed=[Image(shown.rgba)], amodal_masks=[Mask.of(shown.amodal)])

        parts = [seeds[start : start + plan.samples] for start in range(0, samples, plan.samples)]
        total = how.steps * len(parts)
        context.stage("complete", total + 1, "Looking at the picture")
        latents = torch.cat(
            [self._latents(small, part, how, context, show, (how.steps * n, total)) for n, part in enumerate(parts)]
        )
        found = []
        for index, latent in enumerate(latents.split(1)):
            context.step(total, f"Completing the hidden part, picture {index + 1} of {samples}")
            found.append(finished(self._picture(latent)))
        found.sort(key=lambda each: -each.likeness)
        return [(each.rgba, each.amodal, each.likeness) for each in found]

    @torch.inference_mode()
    def _latents(
        self,
        small: tuple[np.ndarray, np.ndarray],
        seeds: list[int],
        how: Sampling,
        context: Any,
        show: Any,
        steps: tuple[int, int],
    ) -> Tensor:
        """Of the samples with these seeds, when so many of all ``steps`` are done."""
        before, total = steps
        told = self._told(*small)
        due = {round(total * part / (_PREVIEWS + 1)) for part in range(1, _PREVIEWS + 1)}

        def watch(done: int, _: Tensor, guess: Tensor) -> None:
            context.step(before + done, f"Completing the hidden part, step {before + done} of {total}")
            if before + done in due:
                show(guess)

        self._bring("unet")
        side = self._model.config.latent_side
        drawn = [seed + _DRAW_STEP * number for seed in seeds for number in range(how.draws)]
        noise = noise_of(drawn, (LATENT, side, side), self._device)
        return sample(self._model, told, len(seeds), noise, how, watch)

    def _told(self, image: np.ndarray, mask: np.ndarray) -> Conditions:
        key = hashlib.sha256(image.tobytes() + mask.tobytes()).digest()
        if self._last is None or self._last.key != key:
            picture, mask_picture = (to_network(each).to(self._device) for each in (image, mask))
            self._last = _Told(key, conditions(self._model, picture, mask_picture, self._bring))
        return self._last.conditions

    @torch.inference_mode()
    def _picture(self, latent: Tensor) -> np.ndarray:
        """uint8 S x S x 3 of one latent."""
        self._bring("vae")
        return from_network(self._model.picture(latent))[0]

    def _planned(self, budget: int, samples: int, how: Sampling) -> Plan:
        if self._device == "cpu" or not budget:
            return Plan(samples, how.together)
        return planned(self._model.config, budget, samples, how.guidance != 1.0, how.draws)

    def _bring(self, name: str) -> None:
        """Have the part ``name`` of the model on the device; where memory is short, no other."""
        wanted = ("unet", "cc_projection") if name == "unet" else (name,)
        parts = dict(self._model.named_children())
        for each, part in parts.items():
            # A fifth of all weights is CLIP's, which is not needed again for this picture.
            if each not in wanted and (self._in_turns or each == "clip"):
                part.to("cpu")
        for each in wanted:
            parts[each].to(self._device)


def load(device: str, tensors: dict[str, Tensor]) -> Completer:
    """The starter with the weights ``tensors`` on ``device``."""
    return Completer(_loaded(device, STARTER, tensors), device, STARTER_QUALITIES)


def load_released(device: str, folder: Path) -> Completer:
    """The authors' model, converted into ``folder``. ProblemError (MODEL_FAILED) when a file is wrong."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    config = read_config(folder / CONFIG)
    try:
        return Completer(_loaded(device, config, load_file(folder / WEIGHTS)), device)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ProblemError(
            ErrorCode.MODEL_FAILED, f"The weights of pix2gestalt cannot be used: {error}.", "Pull the model again."
        ) from error


def _loaded(device: str, config: Config, tensors: dict[str, Tensor]) -> Pix2Gestalt:
    """In half precision for a GPU, but for the auto-encoder, which leaves half's range: bfloat16 has float32's. Parts
    go there when they are used first."""
    model = Pix2Gestalt(config).eval().requires_grad_(False)
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (its stub lacks this form)
    if device != "cpu":
        model.half()
        model.vae.bfloat16()
    return model
